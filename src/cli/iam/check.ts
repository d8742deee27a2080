import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { type AccessCheck, checkEcrAccess } from '../../iam/check-access.ts';
import { checkTrust, type TrustCheck } from '../../iam/check-trust.ts';
import { type PolicyDocument, parsePolicy } from '../../iam/policy-document.ts';
import { awsModelOf, scannerName } from '../../provision/aws-model.ts';
import { arnOf, parseEcrReference } from '../../provision/ecr-references.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { readInstallation } from './documents.ts';
import { readRole } from './role.ts';

const Options = z.object({
  policy: z.string().optional(),
  trust: z.string().optional(),
  role: z.string().optional(),
  image: z.array(z.string()).default([]),
});

/** Evaluates what was given; without a policy, a trust policy or a role, the documents that Millrace would make. */
export async function check(
  _: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { policy, trust, role, image } = Options.parse(options);
  const nothing = policy === undefined && trust === undefined && role === undefined;
  const checksTrust = trust !== undefined || role !== undefined;
  const { configuration, installation, tree } = await readInstallation(options, context, checksTrust);
  const model = awsModelOf(installation);
  const live = role === undefined ? undefined : await readRole(role, installation.aws.region, context);
  const home = { aws: { account: installation.aws.account, region: installation.aws.region } };
  const images = [...image, ...configuration.images.map((each) => each.image), ...(tree?.scanned ?? [])];
  const exact = configuration.ecr.repositories.filter((text) => !/[*?]/.test(text));
  const repositories = [...new Set([...images, ...exact].map((text) => arnOf(parseEcrReference(text, home), home)))];
  const policies =
    live?.policies ??
    (policy !== undefined
      ? [parsePolicy(await read(policy, context), 'identity', policy)]
      : nothing
        ? [parsePolicy(model.policy.document, 'identity', model.policy.name)]
        : undefined);
  const access =
    policies === undefined
      ? []
      : checkEcrAccess({
          policies,
          roleArn: live?.arn ?? model.role.arn,
          profile: installation.ecrProfile,
          repositories,
          ...(live?.boundary === undefined ? {} : { boundary: live.boundary }),
        });
  const trustDocument = live?.trust ?? (trust === undefined ? undefined : parseJson(await read(trust, context), trust));
  const trusted =
    trustDocument === undefined
      ? undefined
      : checkTrust({
          trust: trustDocument,
          ...installation.aws,
          issuer: installation.issuer,
          serviceAccount: { namespace: installation.namespace, name: scannerName },
        });
  const refused = access.some(({ allowed }) => !allowed) || trusted?.allowed === false;
  return {
    data: { access, ...(trusted === undefined ? {} : { trust: trusted }) },
    text: [
      ...access.flatMap(accessLines),
      ...(trusted === undefined ? [] : trustLines(trusted)),
      ...noImages(policies, repositories),
    ].join('\n'),
    exitCode: refused ? exitCodes.failed : exitCodes.ok,
  };
}

function accessLines({ allowed, action, resource, reasons }: AccessCheck): string[] {
  return [
    `${allowed ? 'allowed' : 'denied '}  ${action}  ${resource}`,
    ...reasons.map((reason) => `         ${reason}`),
  ];
}

function trustLines({ allowed, subject, reasons }: TrustCheck): string[] {
  return [
    `${allowed ? 'allowed' : 'denied '}  sts:AssumeRoleWithWebIdentity  ${subject}`,
    ...reasons.map((reason) => `         ${reason}`),
  ];
}

function noImages(policies: unknown, repositories: readonly string[]): string[] {
  const isBlind = policies !== undefined && repositories.length === 0;
  return isBlind
    ? ['note: no image is known; name some with --image or --from to have their repositories checked']
    : [];
}

async function read(file: string, { cwd }: CliContext): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
}

function parseJson(text: string, file: string): PolicyDocument {
  try {
    return JSON.parse(text) as PolicyDocument;
  } catch (cause) {
    throw new MillraceError('IAM_POLICY_MALFORMED', `${file}: ${errorMessage(cause)}`, { cause, retry: 'never' });
  }
}
