import { join } from 'node:path';
import { type SandboxAccess, writePrivateFile } from '../../sandbox/sandbox-access.ts';

/** Writes `env` into the data folder: what a shell needs to speak to the sandbox with its own tools. Returns its path. */
export async function writeEnvironment(dataDir: string, { kubernetes, aws, git }: SandboxAccess): Promise<string> {
  const variables = {
    KUBECONFIG: kubernetes.kubeconfig,
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: aws.account.region,
    AWS_DEFAULT_REGION: aws.account.region,
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    MILLRACE_GIT_CREDENTIAL: git.password,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`);
  const path = join(dataDir, 'env');
  await writePrivateFile(path, `${lines.join('\n')}\n`);
  return path;
}
