import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whole-process time and peak memory of `millrace build` (run `npm run build` first) over generated overlays, beside kustomize (`KUSTOMIZE=/path`, else `kustomize`, else `kubectl kustomize`). */
const counts = [3, 99, 999, 4995, 9990];
const slowestPeer = 999;

function generate(dir: string, count: number): void {
  mkdirSync(join(dir, 'base'), { recursive: true });
  mkdirSync(join(dir, 'overlay'));
  const apps = Array.from({ length: count / 3 }, (_, index) => `app-${index}`);
  for (const app of apps) writeFileSync(join(dir, 'base', `${app}.yaml`), manifests(app));
  const resources = apps.map((app) => `- ${app}.yaml`).join('\n');
  writeFileSync(join(dir, 'base', 'kustomization.yaml'), `resources:\n${resources}\n`);
  writeFileSync(
    join(dir, 'overlay', 'kustomization.yaml'),
    `resources: [../base]
namePrefix: prod-
namespace: prod
labels:
- pairs: {team: web}
  includeSelectors: true
images:
- name: example.com/app
  newTag: 2.0.0
configMapGenerator:
- name: shared
  literals: [LEVEL=info]
patches:
- target: {kind: Deployment, name: app-0}
  patch: |
    - {op: replace, path: /spec/replicas, value: 3}
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: app-0}
    spec: {template: {spec: {containers: [{name: app, resources: {limits: {memory: 64Mi}}}]}}}
`,
  );
}

function manifests(app: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${app}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}}}
    spec:
      serviceAccountName: ${app}
      containers:
      - name: app
        image: example.com/app:1.0.0
        envFrom: [{configMapRef: {name: shared}}]
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: ${app}}
spec: {selector: {app: ${app}}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${app}}
`;
}

/** The peer and how it is told to build. */
function findPeer(): { command: string; args: readonly string[] } {
  const candidates = [process.env['KUSTOMIZE'] || 'kustomize', 'kustomize'];
  const found = candidates.find((name) => spawnSync(name, ['--help']).status === 0);
  return found === undefined ? { command: 'kubectl', args: ['kustomize'] } : { command: found, args: ['build'] };
}

function timed(command: string, args: readonly string[]): { ms: number; status: number | null; peakMiB: string } {
  const start = performance.now();
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', 'peak=%M', command, ...args], {
    maxBuffer: 1 << 29,
    encoding: 'utf8',
  });
  const peak = /peak=(\d+)/.exec(stderr ?? '')?.[1];
  return {
    ms: performance.now() - start,
    status,
    peakMiB: peak === undefined ? '?' : String(Math.round(Number(peak) / 1024)),
  };
}

/** The quickest of some runs: what else the machine does only ever adds. */
function best(runs: number, command: string, args: readonly string[]): ReturnType<typeof timed> {
  const all = Array.from({ length: runs }, () => timed(command, args));
  return all.reduce((quickest, one) => (one.ms < quickest.ms ? one : quickest));
}

const { command: peerCommand, args: peerArgs } = findPeer();
const bare = best(5, process.execPath, ['-e', '0']).ms;
console.log(`node -e 0: ${bare.toFixed(0)} ms`);
for (const count of counts) {
  const dir = mkdtempSync(join(tmpdir(), 'bench-build-'));
  try {
    generate(dir, count);
    const overlay = join(dir, 'overlay');
    const ours = best(5, process.execPath, ['dist/millrace.js', 'build', overlay]);
    const peer = count <= slowestPeer ? best(3, peerCommand, [...peerArgs, overlay]) : undefined;
    const ratio =
      peer === undefined || peer.status !== 0
        ? 'no peer'
        : `${[peerCommand, ...peerArgs].join(' ')} ${peer.ms.toFixed(0)} ms, ${(peer.ms / ours.ms).toFixed(1)}x`;
    console.log(`${count} objects: ${ours.ms.toFixed(0)} ms (exit ${ours.status}), peak ${ours.peakMiB} MiB; ${ratio}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
