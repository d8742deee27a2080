import { textAt, valueAt } from '../../base/json.ts';
import { parseArn } from '../../iam/arn.ts';
import { checkTrust } from '../../iam/check-trust.ts';
import { issuerKey, oidcProviderArn } from '../../iam/trust.ts';
import { reasonOf } from '../reason.ts';
import { type Check, fail, failedBy, pass, unknown } from './check.ts';
import { audience, nameOfRole, need, readsRole, type Scene, scannerName } from './scene.ts';

interface Claims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  iat: number;
}

/** Checks 10 to 15 and 30: the web identity token, the issuer, the provider, the trust policy, the exchange, the clocks. */
export const tokenChecks: readonly Check<Scene>[] = [
  {
    number: 10,
    name: 'token claims',
    async run(scene) {
      const token = await scene.token();
      if ('why' in token) return token.why;
      const { aud, sub, iss } = await claimsOf(scene);
      const wanted = `system:serviceaccount:${scene.namespace}:${scannerName}`;
      if (!aud.includes(audience)) return fail(`the audience is ${aud.join(', ')}, STS wants ${audience}`);
      if (sub !== wanted) return fail(`the subject is ${sub}, not ${wanted}`);
      return pass(`aud ${audience}, sub ${sub}, iss ${iss}`);
    },
  },
  {
    number: 11,
    name: 'issuer reachable',
    provedBy: [14],
    async run(scene) {
      const { iss } = await claimsOf(scene);
      const keyId = textAt(decodePart(await need(scene.token, 10), 0), 'kid');
      try {
        const document = await scene.tools.fetchJson(`${iss.replace(/\/$/, '')}/.well-known/openid-configuration`);
        if (textAt(document, 'issuer') !== iss)
          return fail(`the discovery document says issuer ${textAt(document, 'issuer')}, tokens say ${iss}`);
        const keys = valueAt(await scene.tools.fetchJson(textAt(document, 'jwks_uri') ?? ''), 'keys');
        const hasKey = Array.isArray(keys) && keys.some((key) => textAt(key, 'kid') === keyId);
        return hasKey
          ? pass(`${iss} publishes the key ${keyId}`)
          : fail(`${iss} does not publish the key ${keyId} of the token`, undefined, 'web-identity-token-invalid');
      } catch (error) {
        // From a laptop a private issuer may be out of reach though STS reaches it.
        return unknown(failedBy(error).evidence);
      }
    },
  },
  {
    number: 12,
    name: 'IAM OIDC provider',
    needs: 'iam:GetOpenIDConnectProvider',
    provedBy: [14],
    async run(scene) {
      const arn = await providerArnOf(scene);
      if (arn === undefined) return unknown('needs the role of 4, whose account has the provider');
      try {
        const { clientIds, thumbprints } = await scene.tools.oidcProvider(arn);
        // AWS itself knows the authorities of EKS issuers; for others the thumbprint counts.
        const known = thumbprints.length === 0 ? 'no thumbprint' : `thumbprint ${thumbprints.join(', ')}`;
        if (clientIds.includes(audience)) return pass(`${arn}, client IDs ${clientIds.join(', ')}, ${known}`);
        return fail(
          `${arn} does not list the client ID ${audience}`,
          `aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${arn} --client-id ${audience}`,
          'trust-policy-aud-mismatch',
        );
      } catch (error) {
        const { evidence } = failedBy(error);
        if (!/NoSuchEntity/.test(evidence)) return unknown(reasonOf(error));
        const iss = await issuerOf(scene);
        return fail(
          `there is no provider ${arn}`,
          `aws iam create-open-id-connect-provider --url ${iss} --client-id-list ${audience}`,
          'oidc-provider-missing',
        );
      }
    },
  },
  {
    number: 13,
    name: 'role and trust policy',
    needs: readsRole,
    provedBy: [14],
    async run(scene) {
      const { roleArn = '', namespace } = scene;
      const arn = parseArn(roleArn);
      if (arn === undefined) return unknown('needs the role of 4');
      const iss = await issuerOf(scene);
      const role = await scene.tools.readRole(nameOfRole(arn)).catch((error: unknown) => failedBy(error));
      if ('verdict' in role)
        return /NoSuchEntity/.test(role.evidence)
          ? fail(
              `the role ${roleArn} does not exist`,
              'Correct the annotation, or create the role: millrace provision.',
              'irsa-role-arn-invalid',
            )
          : unknown(reasonOf(new Error(role.evidence)));
      const serviceAccount = { namespace, name: scannerName };
      const decision = checkTrust({
        trust: role.trust,
        partition: arn.partition,
        account: arn.account,
        issuer: iss,
        serviceAccount,
      });
      if (decision.allowed) return pass([`${decision.subject} may assume it`, ...decision.reasons].join('; '));
      // STS would not say why.
      const symptom = 'Not authorized to perform sts:AssumeRoleWithWebIdentity';
      return { ...fail(decision.reasons.join('; '), 'millrace iam trust prints the policy that fits.'), symptom };
    },
  },
  {
    number: 14,
    name: 'exchange at STS',
    async run(scene) {
      const result = await scene.session();
      if ('why' in result) return result.why;
      return pass(`AssumeRoleWithWebIdentity gives ${result.value.identity.arn}`);
    },
  },
  {
    number: 15,
    name: 'identity is the role',
    async run(scene) {
      const { identity } = await need(scene.session, 14);
      const arn = parseArn(scene.roleArn ?? '');
      const role = arn === undefined ? '' : nameOfRole(arn);
      return identity.arn.includes(`assumed-role/${role}/`)
        ? pass(identity.arn)
        : fail(`STS says ${identity.arn}, the annotation names ${scene.roleArn}`);
    },
  },
  {
    number: 30,
    name: 'clocks',
    async run(scene) {
      const { iat } = await claimsOf(scene);
      const skewMs = Math.abs(Date.now() - iat * 1000);
      const limitMs = 5 * 60_000;
      const text = `the cluster's clock and this one differ by ${Math.round(skewMs / 1000)} s`;
      return skewMs < limitMs
        ? pass(text)
        : fail(text, 'Set the clocks: AWS refuses signatures that are five minutes off.', 'web-identity-token-invalid');
    },
  },
];

async function claimsOf(scene: Scene): Promise<Claims> {
  const claims = decodePart(await need(scene.token, 10), 1);
  const number = (name: string) => Number(valueAt(claims, name) ?? 0);
  const aud = valueAt(claims, 'aud');
  return {
    iss: textAt(claims, 'iss') ?? '',
    sub: textAt(claims, 'sub') ?? '',
    aud: (Array.isArray(aud) ? aud : [aud]).map(String),
    exp: number('exp'),
    iat: number('iat'),
  };
}

/** As tokens say, or as the cluster says of itself where no token may be had. */
async function issuerOf(scene: Scene): Promise<string> {
  const token = await scene.token();
  const issuer = 'why' in token ? await scene.reader.issuer() : undefined;
  return issuer ?? (await claimsOf(scene)).iss;
}

/** Header or claims of a JWT; the signature is STS's to check. */
function decodePart(token: string, index: 0 | 1): unknown {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8'));
}

async function providerArnOf(scene: Scene): Promise<string | undefined> {
  const role = parseArn(scene.roleArn ?? '');
  const iss = await issuerOf(scene);
  return role && oidcProviderArn(role.partition, role.account, issuerKey(iss));
}
