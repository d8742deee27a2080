import type { CommandModule } from './command.ts';

export interface CommandEntry {
  name: string;
  summary: string;
  load(): Promise<CommandModule>;
}

/** Every top-level command in the order of the help. Only the one that was asked for is loaded. */
export const commands: readonly CommandEntry[] = [
  { name: 'artifact', summary: 'push, pull, tag and list OCI artifacts', load: () => import('./artifact.ts') },
  { name: 'build', summary: 'build a kustomization and print its objects', load: () => import('./build.ts') },
  { name: 'doctor', summary: 'name the cause behind what goes wrong, and the fix', load: () => import('./doctor.ts') },
  { name: 'events', summary: 'show what happened to the objects of a delivery', load: () => import('./events.ts') },
  { name: 'explain', summary: 'explain a failure code or an error code', load: () => import('./explain.ts') },
  { name: 'get', summary: 'show sources, kustomizations and images', load: () => import('./get.ts') },
  { name: 'iam', summary: 'print and check IAM policies', load: () => import('./iam.ts') },
  { name: 'init', summary: 'write a millrace.yaml', load: () => import('./init.ts') },
  { name: 'lint', summary: 'find setter markers that do nothing', load: () => import('./lint.ts') },
  { name: 'policy', summary: 'try an image policy against tags', load: () => import('./policy.ts') },
  { name: 'preview', summary: 'show the commit that an automation would push now', load: () => import('./preview.ts') },
  {
    name: 'provision',
    summary: 'set up IAM and the cluster: as Terraform, or directly',
    load: () => import('./provision.ts'),
  },
  { name: 'push', summary: 'push a small image to the sandbox', load: () => import('./push.ts') },
  { name: 'reconcile', summary: 'have an object reconciled now', load: () => import('./reconcile.ts') },
  {
    name: 'rehearse',
    summary: 'would an image be delivered? your tree in the sandbox',
    load: () => import('./rehearse.ts'),
  },
  { name: 'resume', summary: 'reconcile suspended objects again', load: () => import('./resume.ts') },
  { name: 'run', summary: 'run the controllers against a cluster', load: () => import('./run.ts') },
  { name: 'suspend', summary: 'stop reconciling objects', load: () => import('./suspend.ts') },
  { name: 'trace', summary: 'follow an image from its push to its pods', load: () => import('./trace.ts') },
  { name: 'tree', summary: 'show what a Kustomization made', load: () => import('./tree.ts') },
  { name: 'up', summary: 'start the sandbox and deliver an image', load: () => import('./up.ts') },
  { name: 'verify', summary: 'check the whole chain, link by link', load: () => import('./verify.ts') },
];

/** Flux says the verb first: `push artifact`, `list artifacts`. */
export function inOurOrder(argv: readonly string[]): string[] {
  const [verb = '', noun = '', ...rest] = argv;
  const isFluxs = /^(push|pull|tag|list)$/.test(verb) && /^artifacts?$/.test(noun);
  return isFluxs ? ['artifact', verb, ...rest] : [...argv];
}
