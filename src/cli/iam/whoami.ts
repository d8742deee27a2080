import { type AwsEnvironment, parseAwsEnvironment } from '../../aws/environment.ts';
import { formatIdentity } from '../../aws/identity.ts';
import { type FoundIdentity, findIdentity, type IdentityFacts } from '../../aws/identity-sources.ts';
import { isMillraceError } from '../../base/error.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { withCluster } from '../kube-options.ts';
import { signingRegion } from '../provision/aws-settings.ts';
import { serviceAccountsOf } from '../run/aws-identities.ts';
import { formatTable } from '../table.ts';

/** Says which AWS identity would be used here, which source gives it, and what the others lack. Changes nothing. */
export async function whoami(
  _args: readonly unknown[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { env, signal } = context;
  const region = typeof options['region'] === 'string' ? options['region'] : signingRegion(context);
  const environment = parseAwsEnvironment(env);
  const allowNodeRole = options['allowNodeRole'] === true;
  const found =
    typeof options['controller'] === 'string'
      ? await asController(options['controller'], { environment, allowNodeRole }, options, context, region)
      : await findIdentity({ environment, allowNodeRole, usesDefaultProfile: true }, region, signal);
  return resultOf(found, region);
}

/** As `millrace run` asks: the ServiceAccount of the controller first. */
function asController(
  name: string,
  facts: { environment: AwsEnvironment; allowNodeRole: boolean },
  options: Record<string, unknown>,
  context: CliContext,
  region: string,
): Promise<FoundIdentity> {
  return withCluster(options, context, ({ client, config }) => {
    const inCluster = config.name === 'in-cluster' ? config.namespace : 'flux-system';
    const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : inCluster;
    const asked: IdentityFacts = {
      ...facts,
      serviceAccounts: serviceAccountsOf(client),
      controllerServiceAccount: { namespace, name },
    };
    return findIdentity(asked, region, context.signal);
  });
}

function resultOf({ answers, session, error }: FoundIdentity, region: string): CommandResult {
  const rows = answers.map(({ source, verdict, detail }) => [source, verdict, detail]);
  const hint = isMillraceError(error) && error.hint !== undefined ? `\n\n${error.hint}` : '';
  const who = session === undefined ? `no AWS identity in ${region}` : formatIdentity(session.identity);
  return {
    text: `${who}\n\n${formatTable(['SOURCE', 'VERDICT', 'DETAIL'], rows)}${hint}`,
    data: { region, identity: session?.identity ?? null, sources: answers },
    exitCode: session === undefined ? 1 : 0,
  };
}
