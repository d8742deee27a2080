import type { CommandModule } from './command.ts';
import { registerSwitch } from './suspension.ts';

export const register: CommandModule['register'] = (program, shell) =>
  registerSwitch(program, shell, {
    name: 'suspend',
    suspend: true,
    description: 'Stop reconciling objects; what they made stays.',
    examples: [
      'millrace suspend ks/apps -n flux-system',
      'millrace suspend imageupdateautomation/fleet imagerepository/mainapp',
    ],
  });
