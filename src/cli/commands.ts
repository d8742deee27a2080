import type { CommandModule } from './command.ts';

export interface CommandEntry {
  name: string;
  summary: string;
  load(): Promise<CommandModule>;
}

/** Every top-level command in the order of the help. Only the one that was asked for is loaded. */
export const commands: readonly CommandEntry[] = [];
