{{- define "millrace.labels" -}}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The Deployments, as JSON: name, controllers, ServiceAccount, and whether it serves artifacts. */}}
{{- define "millrace.units" -}}
{{- $units := list -}}
{{- if eq .Values.topology "single" -}}
{{- $units = append $units (dict "name" "millrace" "controllers" "*" "artifacts" true) -}}
{{- else if eq .Values.topology "instance" -}}
{{- $units = append $units (dict "name" "flux-operator" "controllers" "flux-operator" "artifacts" false) -}}
{{- else -}}
{{- range $name := list "source-controller" "kustomize-controller" "image-reflector-controller" "image-automation-controller" -}}
{{- $units = append $units (dict "name" $name "controllers" $name "artifacts" (eq $name "source-controller")) -}}
{{- end -}}
{{- end -}}
{{- $units | toJson -}}
{{- end }}

{{/* The ServiceAccounts that read ECR, as JSON: name to role. The scanner is one even without a role. */}}
{{- define "millrace.roles" -}}
{{- $roles := dict "image-reflector-controller" .Values.ecr.roleArn -}}
{{- with .Values.ecr.pullRoleArn }}{{ $_ := set $roles "source-controller" . }}{{ end -}}
{{- $roles | toJson -}}
{{- end }}

{{/* The Deployment that takes hooks: of the main set, the one that scans. */}}
{{- define "millrace.hookReceiver" -}}
{{- eq .Values.topology "single" | ternary "millrace" "image-reflector-controller" -}}
{{- end }}
