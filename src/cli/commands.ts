import type { CommandModule } from './command.ts';

export interface CommandEntry {
  name: string;
  summary: string;
  load(): Promise<CommandModule>;
}

/** Every top-level command in the order of the help. Only the one that was asked for is loaded. */
export const commands: readonly CommandEntry[] = [
  { name: 'doctor', summary: 'name the cause behind a symptom, and the fix', load: () => import('./doctor.ts') },
  { name: 'explain', summary: 'explain a failure code or an error code', load: () => import('./explain.ts') },
  { name: 'policy', summary: 'try an image policy against tags', load: () => import('./policy.ts') },
];
