import type { CommandModule } from './command.ts';
import { registerSwitch } from './suspension.ts';

export const register: CommandModule['register'] = (program, shell) =>
  registerSwitch(program, shell, {
    name: 'resume',
    suspend: false,
    description: 'Reconcile suspended objects again, and wait until they are ready.',
    examples: ['millrace resume ks/apps -n flux-system', 'millrace resume gitrepository/fleet --no-wait'],
  });
