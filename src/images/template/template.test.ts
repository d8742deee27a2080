import { expect, test } from 'vitest';
import { compileTemplate } from './template.ts';
import { GoMap, GoStruct, mapOf, type Value } from './value.ts';

const render = (source: string, data: Value = null) => compileTemplate(source, () => 0).render(data);

const change = (old: string, now: string) => new GoStruct('Change', { OldValue: old, NewValue: now, Setter: 's' });
const object = (kind: string, name: string) =>
  new GoStruct('ObjectIdentifier', { APIVersion: 'apps/v1', Kind: kind, Name: name, Namespace: 'ns' });
const data = new GoStruct('TemplateData', {
  AutomationObject: new GoStruct('NamespacedName', { Namespace: 'ns', Name: 'auto' }, { text: 'ns/auto' }),
  Values: mapOf({ cluster: 'prod' }),
  Changed: new GoStruct('ResultV2', {
    Changes: [change('a:1', 'a:2')],
    Objects: new GoMap([
      [object('Service', 'b'), [change('x', 'y')]],
      [object('Deployment', 'a'), [change('a:1', 'a:2')]],
    ]),
  }),
});

const cases: [string, string][] = [
  ['plain', 'plain'],
  ['{{ .AutomationObject }} in {{ .Values.cluster }}', 'ns/auto in prod'],
  ['{{ .AutomationObject.Name }} {{ .Values.missing }}', 'auto <no value>'],
  ['{{ range .Changed.Changes }}{{ print .OldValue }} -> {{ println .NewValue }}{{ end -}}', 'a:1 -> a:2\n'],
  [
    '{{ range $o, $c := .Changed.Objects -}}\n- {{ $o.Kind }}/{{ $o.Name }}: {{ len $c }}\n{{ end }}',
    '- Deployment/a: 1\n- Service/b: 1\n',
  ],
  ['{{ range $i, $c := .Changed.Changes }}{{ $i }}{{ $c.Setter }}{{ end }}', '0s'],
  ['{{ if eq .Values.cluster "dev" "prod" }}yes{{ else }}no{{ end }}', 'yes'],
  ['{{ if contains "od" .Values.cluster | not }}a{{ else if gt 2 1 }}b{{ end }}', 'b'],
  ['{{ with .Values.missing }}x{{ else }}none{{ end }}', 'none'],
  ['{{ $x := 1 }}{{ if true }}{{ $x = add $x 2 }}{{ end }}{{ $x }}', '3'],
  ['{{ printf "%s-%05.1f|%-4d|%q|%x" "a" 2.25 7 "q" "hi" }}', 'a-002.3|7   |"q"|6869'],
  ['{{ printf "%d %s" "x" }}', '%!d(string=x) %!s(MISSING)'],
  ['{{ sha256sum (toString .Changed.Objects) | trunc 8 }}', /^[0-9a-f]{8}$/.source],
  ['{{/* nothing */}}a{{- /* trims */ -}} b', 'ab'],
  ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}{{ block "u" 2 }}{{ . }}{{ end }}', '<x>2'],
  [
    '{{ range until 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}',
    '02',
  ],
  ['{{ and 0 (fail "never") }}{{ or "" "b" }}', '0b'],
  ['{{ default "d" .Values.missing }} {{ "a b" | title | quote }} {{ list 1 2 | join "," }}', 'd "A B" 1,2'],
  ['{{ dict "a" 1 "b" (list "x") | toJson }} {{ (fromJson "{\\"k\\":\\"v\\"}").k }}', '{"a":1,"b":["x"]} v'],
  ['{{ `raw {{` }} {{ "\\u00e9\\n" | trim }} {{ \'a\' }} {{ 0x10 }} {{ 1.50 }}', 'raw {{ é 97 16 1.5'],
  ['{{ regexReplaceAll "v([0-9]+)" "v12" "${1}x" }} {{ semverCompare "^1.2" "1.3.0" }}', '12x true'],
  ['{{ $v := split "/" "a/b" }}{{ $v._1 }} {{ index (list "x" "y") 1 }} {{ ternary "t" "f" true }}', 'b y t'],
  ['{{ list "b" "a" | sortAlpha }} {{ .Values }} {{ nil | default "n" }}', '[a b] map[cluster:prod] n'],
];
test.each(cases)('%s', (source, want) => {
  const text = render(source, data);
  if (want.startsWith('^')) expect(text).toMatch(new RegExp(want));
  else expect(text).toBe(want);
});

test.each([
  ['{{ range }}', 'missing value for command'],
  ['{{ nope }}', 'function "nope" not defined'],
  ['{{ env "HOME" }}', 'function "env" not defined'],
  ['{{ now }}', 'function "now" not defined'],
  ['{{ if true }}', 'unexpected EOF'],
  ['{{ end }}', 'unexpected {{end}}'],
  ['a\nb {{ $x }}', ':2: undefined variable "$x"'],
  ['{{ "open }}', 'unterminated quoted string'],
  ['{{ .a', 'unclosed action'],
  ['{{ break }}', 'outside {{range}}'],
])('%s does not parse', (source, message) => {
  expect(() => compileTemplate(source, () => 0)).toThrow(message);
});

test.each([
  ['{{ .Nope }}', "can't evaluate field Nope in type TemplateData"],
  ['{{ upper .Changed }}', 'expected string'],
  ['{{ fail "stop" }}', 'error calling fail: stop'],
  ['{{ index (list 1) 4 }}', 'index out of range'],
  ['{{ repeat 1000000 "x" }}', 'too large'],
  ['{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', 'maximum template depth'],
  ['{{ range until 90000 }}{{ range until 90000 }}{{ end }}{{ end }}', 'too many steps'],
])('%s fails', (source, message) => {
  expect(() => render(source, data)).toThrow(message);
});
