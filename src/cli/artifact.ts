import { registerList } from './artifact/list.ts';
import { registerPull } from './artifact/pull.ts';
import { registerPush } from './artifact/push.ts';
import { registerTag } from './artifact/tag.ts';
import type { CommandModule } from './command.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const artifact = program
    .command('artifact')
    .description('Push, pull, tag and list OCI artifacts: folders of manifests in a registry.');
  for (const registerOne of [registerPush, registerPull, registerTag, registerList]) registerOne(artifact, shell);
};
