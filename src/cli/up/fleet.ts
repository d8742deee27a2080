/** What the seeded fleet repository is made for. */
export interface FleetOptions {
  /** URL of the repository itself, as the controllers reach it. */
  gitUrl: string;
  branch: string;
  /** Secret with the git credential, in `namespace`. */
  gitSecret: string;
  /** Namespace of the delivery objects. */
  namespace: string;
  /** Image name without tag. */
  image: string;
  tag: string;
}

/** The names of the objects that the fleet repository holds; the sync objects are named after their namespace, as Flux's. */
export const fleetNames = {
  app: 'mainapp',
  appNamespace: 'apps',
  appsKustomization: 'apps',
  automation: 'fleet',
} as const;

/**
 * A small GitOps tree, path → text: `clusters/sandbox` is what the cluster is to run, `apps/mainapp` the application that the
 * image automation keeps up to date.
 */
export function fleetFiles(options: FleetOptions): Record<string, string> {
  return {
    'README.md': readme,
    'clusters/sandbox/flux-system/gotk-sync.yaml': syncObjects(options),
    'clusters/sandbox/apps.yaml': appsKustomization(options),
    'clusters/sandbox/images.yaml': imageObjects(options),
    'apps/mainapp/kustomization.yaml': appKustomization,
    'apps/mainapp/namespace.yaml': appNamespace,
    'apps/mainapp/deployment.yaml': appDeployment(options),
    'apps/mainapp/service.yaml': appService,
  };
}

const readme = `# The sandbox's fleet

\`clusters/sandbox\` is what the cluster runs; \`apps/mainapp\` is the application. A new image tag in the registry is committed
to the line of \`apps/mainapp/deployment.yaml\` that carries the marker.
`;

const syncObjects = ({ gitUrl, branch, gitSecret, namespace }: FleetOptions) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: ${namespace}
  namespace: ${namespace}
spec:
  interval: 1m0s
  url: ${gitUrl}
  ref:
    branch: ${branch}
  secretRef:
    name: ${gitSecret}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ${namespace}
  namespace: ${namespace}
spec:
  interval: 10m0s
  path: ./clusters/sandbox
  prune: true
  sourceRef:
    kind: GitRepository
    name: ${namespace}
`;

const appsKustomization = ({ namespace }: FleetOptions) => `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ${fleetNames.appsKustomization}
  namespace: ${namespace}
spec:
  interval: 10m0s
  path: ./apps/mainapp
  prune: true
  wait: true
  timeout: 2m0s
  sourceRef:
    kind: GitRepository
    name: ${namespace}
`;

const imageObjects = ({ namespace, image, branch }: FleetOptions) => `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: ${fleetNames.app}
  namespace: ${namespace}
spec:
  image: ${image}
  interval: 1m0s
  provider: aws
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: ${fleetNames.app}
  namespace: ${namespace}
spec:
  imageRepositoryRef:
    name: ${fleetNames.app}
  policy:
    semver:
      range: ">=1.0.0"
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata:
  name: ${fleetNames.automation}
  namespace: ${namespace}
spec:
  interval: 5m0s
  sourceRef:
    kind: GitRepository
    name: ${namespace}
  git:
    checkout:
      ref:
        branch: ${branch}
    commit:
      author:
        name: millrace
        email: millrace@sandbox.local
      messageTemplate: |-
        {{range .Changed.Changes}}{{.OldValue}} -> {{.NewValue}}
        {{end}}
    push:
      branch: ${branch}
  update:
    path: ./apps
    strategy: Setters
`;

const appKustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${fleetNames.appNamespace}
resources:
  - namespace.yaml
  - deployment.yaml
  - service.yaml
configMapGenerator:
  - name: mainapp
    literals:
      - GREETING=hello
labels:
  - pairs:
      app.kubernetes.io/name: mainapp
`;

const appNamespace = `apiVersion: v1
kind: Namespace
metadata:
  name: ${fleetNames.appNamespace}
`;

const appDeployment = ({ namespace, image, tag }: FleetOptions) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: mainapp
spec:
  replicas: 2
  selector:
    matchLabels:
      app: mainapp
  template:
    metadata:
      labels:
        app: mainapp
    spec:
      containers:
        - name: mainapp
          image: ${image}:${tag} # {"$imagepolicy": "${namespace}:${fleetNames.app}"}
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef:
                name: mainapp
`;

const appService = `apiVersion: v1
kind: Service
metadata:
  name: mainapp
spec:
  selector:
    app: mainapp
  ports:
    - port: 80
      targetPort: 8080
`;
