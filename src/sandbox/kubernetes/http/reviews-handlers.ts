import { formatTime } from '../../../base/clock.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { Authenticator } from '../auth/authenticate.ts';
import { accessReview, selfAccessReview, selfReview, selfRulesReview, tokenReview } from '../auth/reviews.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import { requestToken } from '../auth/token-request.ts';
import type { Cluster } from '../kinds/cluster.ts';
import { checkType, decodeObject } from '../verbs/decode.ts';
import { parseBody, readBody } from './body.ts';
import { namespaceOf, type ResourceCall } from './resource-handler.ts';
import { send } from './respond.ts';
import type { SubresourceHandlers } from './subresources.ts';

/** The endpoints that answer questions about identity and permission. */
export function reviewHandlers(
  cluster: Cluster,
  authenticator: Authenticator,
  issuer: TokenIssuer,
  issuerUrl: string,
): SubresourceHandlers {
  const review = (judge: (call: ResourceCall, body: KubeObject) => KubeObject) => async (call: ResourceCall) => {
    const { request, response, resource, options, form } = call;
    const value = parseBody(await readBody(request), request.headers['content-type'], resource);
    const body = decodeObject(resource, checkType(resource, value), options);
    const judged = judge(call, body);
    const metadata = { ...judged.metadata, creationTimestamp: formatTime(cluster.clock.now()) };
    send(response, 201, { ...judged, metadata }, form, options.warnings);
  };
  const authorization = 'authorization.k8s.io/';
  const authentication = 'authentication.k8s.io/';
  return {
    [`${authorization}selfsubjectaccessreviews/`]: review(({ user }, body) => selfAccessReview(cluster, user, body)),
    [`${authorization}subjectaccessreviews/`]: review((_, body) => accessReview(cluster, body)),
    [`${authorization}localsubjectaccessreviews/`]: review((call, body) =>
      accessReview(cluster, body, namespaceOf(call)),
    ),
    [`${authorization}selfsubjectrulesreviews/`]: review(({ user }, body) => selfRulesReview(cluster, user, body)),
    [`${authentication}selfsubjectreviews/`]: review(({ user }, body) => selfReview(user, body)),
    [`${authentication}tokenreviews/`]: review((_, body) => tokenReview(authenticator, issuerUrl, body)),
    '/serviceaccounts/token': async (call) => {
      const { request, response, target, form } = call;
      const body = parseBody(await readBody(request), request.headers['content-type'], { kind: 'TokenRequest' });
      const token = requestToken(cluster, issuer, issuerUrl, namespaceOf(call), target.name ?? '', body);
      send(response, 201, token, form);
    },
  };
}
