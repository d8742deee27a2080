import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applySetters } from '../../src/controllers/image-update-automation/apply-setters.ts';
import { measure, report } from './report.ts';

const files = 5000;
const markers = 200;

/** A tree of Deployments, one file in 25 with a marker. */
export async function benchEdit(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  for (let index = 0; index < files; index++) {
    const folder = join(dir, 'apps', `team-${index % 50}`);
    await mkdir(folder, { recursive: true });
    const marker = index % (files / markers) === 0 ? ' # {"$imagepolicy": "flux-system:app"}' : '';
    await writeFile(join(folder, `app-${index}.yaml`), deployment(index, marker));
  }
  let changes = 0;
  for (const tag of ['2.0.0', '2.0.1', '2.0.2']) {
    const ms = await measure(async () => {
      const policies = { 'flux-system:app': { image: 'r.example.com/app', tag } };
      changes = (await applySetters(dir, { path: './apps', policies })).changes.length;
    });
    report(`edit ${changes} markers in a tree of ${files} files`, ms, 1000);
  }
  await rm(dir, { recursive: true, force: true });
}

function deployment(index: number, marker: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${index}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: app
          image: r.example.com/app:1.0.0${marker}
          ports:
            - containerPort: 8080
`;
}
