import { isRecord, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import type { ClusterReader } from '../collect/reader.ts';
import { conditionOf } from '../condition.ts';
import { type Check, type CheckResult, fail, pass, skipped, unknown } from './check.ts';
import { audience, roleAnnotation, type Scene, scannerName } from './scene.ts';

const roleArnPattern = /^arn:aws[\w-]*:iam::\d{12}:role\/.{1,200}$/;

/** Checks 1 to 9: the installation, and what the ServiceAccount and its pods say of their AWS identity. */
export const identityChecks: readonly Check<Scene>[] = [
  {
    number: 1,
    name: 'namespace and instance',
    async run({ reader, namespace, objects }) {
      const found = await reader.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
      const gap = reader.gaps.find(({ what }) => what.startsWith('get Namespace'));
      if (gap !== undefined) return unknown(gap.why);
      if (found === undefined) return fail(`the namespace ${namespace} does not exist`, 'Name it with --namespace.');
      const instance = objects['FluxInstance']?.[0];
      if (instance === undefined) return pass(`namespace ${namespace}; no FluxInstance, which is no fault`);
      const ready = conditionOf(instance, 'Ready');
      const observed = valueAt(instance, 'status', 'observedGeneration');
      const isCurrent = observed === undefined || observed === instance.metadata.generation;
      if (ready?.status === 'True' && !isCurrent)
        return unknown('FluxInstance: its controller has not looked at the last change yet');
      if (ready?.status === 'True') return pass(`FluxInstance ${namespace}/flux is ready`);
      return fail(`FluxInstance: ${ready?.reason}: ${ready?.message}`);
    },
  },
  {
    number: 2,
    name: 'image controllers',
    async run({ reader, namespace }) {
      const deployments = await reader.list({ apiVersion: 'apps/v1', kind: 'Deployment' });
      const gap = reader.gapOf('Deployment');
      if (gap !== undefined) return unknown(gap.why);
      const here = deployments
        .filter(({ metadata }) => metadata.namespace === namespace)
        .map(({ metadata }) => metadata.name);
      const missing = [scannerName, 'image-automation-controller'].filter((name) => !here.includes(name));
      if (missing.length === 0) return pass('image-reflector-controller and image-automation-controller are installed');
      if (here.includes('millrace')) return pass('one Deployment, millrace, runs all controllers');
      if (here.length === 0) return skipped('no controller runs as a Deployment here');
      return fail(
        `not installed: ${missing.join(', ')}`,
        'Add them to spec.components of the FluxInstance (they are extra components of `flux install`).',
      );
    },
  },
  {
    number: 3,
    name: 'ServiceAccount',
    async run({ account, namespace, reader }) {
      if (account !== undefined) return pass(`${namespace}/${scannerName}`);
      const gap = reader.gapOf('ServiceAccount');
      return gap === undefined
        ? fail(
            `${namespace}/${scannerName} does not exist`,
            'Install the image-reflector-controller, or name its namespace with --namespace.',
          )
        : unknown(gap.why);
    },
  },
  {
    number: 4,
    name: 'role annotation',
    async run({ account, roleArn, namespace, scanned, scannerPods }) {
      if (account === undefined) return unknown('needs the ServiceAccount of 3');
      if (roleArn === undefined && scannerPods.some(hasPodIdentity)) return skipped('EKS Pod Identity gives the role');
      if (roleArn === undefined && scanned.length === 0) return skipped('no annotation, and nothing in ECR is scanned');
      if (roleArn === undefined) {
        const command = `kubectl -n ${namespace} annotate sa ${scannerName} ${roleAnnotation}=arn:aws:iam::ACCOUNT:role/NAME`;
        return fail(`${scannerName} has no annotation ${roleAnnotation}`, command, 'irsa-annotation-missing');
      }
      return roleArnPattern.test(roleArn)
        ? pass(roleArn)
        : fail(
            `'${roleArn}' is no ARN of an IAM role`,
            'Write arn:aws:iam::ACCOUNT:role/NAME.',
            'irsa-role-arn-invalid',
          );
    },
  },
  {
    number: 5,
    name: 'identity webhook',
    async run({ reader, scannerPods }) {
      if (scannerPods.length === 0) return withoutPods(reader);
      const webhooks = await reader.list({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
      });
      if (webhooks.some(({ metadata }) => metadata.name === 'pod-identity-webhook'))
        return pass('pod-identity-webhook is registered');
      // On EKS it is part of the control plane and may be hidden.
      return hasInjection(scannerPods)
        ? pass('not registered visibly, but pods are injected')
        : unknown('no MutatingWebhookConfiguration pod-identity-webhook is visible');
    },
  },
  eachPod(6, 'pod younger than annotation', (pod, { account, roleArn }) => {
    const annotatedAt = annotationTime(account);
    const createdAt = pod.metadata.creationTimestamp;
    if (annotatedAt === undefined || createdAt === undefined) return unknown('the annotation has no recorded time');
    if (Date.parse(createdAt) >= Date.parse(annotatedAt)) return pass(`created ${createdAt}, annotated ${annotatedAt}`);
    // Any write of the annotation counts as a change; what was injected may be right all the same.
    if (roleArn !== undefined && environmentOf(pod).get('AWS_ROLE_ARN') === roleArn)
      return pass(`older than the last change of the annotation (${annotatedAt}), and has its role`);
    return fail(`the pod (${createdAt}) is older than the annotation (${annotatedAt})`, restart(pod), stale);
  }),
  eachPod(7, 'environment injected', (pod, { roleArn, scanned }) => {
    const env = environmentOf(pod);
    const role = env.get('AWS_ROLE_ARN');
    if (role === undefined && hasPodIdentity(pod)) return pass('EKS Pod Identity: AWS_CONTAINER_CREDENTIALS_FULL_URI');
    if (role === undefined && roleArn === undefined && scanned.length === 0) return skipped('no role is asked for');
    if (role === undefined)
      return fail(
        'AWS_ROLE_ARN is not set: the pod falls back to the role of its node',
        restart(pod),
        roleArn === undefined ? 'irsa-annotation-missing' : stale,
      );
    if (roleArn !== undefined && role !== roleArn)
      return fail(`AWS_ROLE_ARN is ${role}, the annotation says ${roleArn}`, restart(pod), stale);
    if (!env.has('AWS_WEB_IDENTITY_TOKEN_FILE')) return fail('AWS_WEB_IDENTITY_TOKEN_FILE is not set', restart(pod));
    return pass(`AWS_ROLE_ARN=${role}, AWS_REGION=${env.get('AWS_REGION') ?? 'not set'}`);
  }),
  eachPod(8, 'token volume injected', (pod, { roleArn, scanned }) => {
    if (hasPodIdentity(pod)) return skipped('EKS Pod Identity has a token of its own');
    if (roleArn === undefined && scanned.length === 0) return skipped('no role is asked for');
    const volumes = valueAt(pod, 'spec', 'volumes');
    const volume = Array.isArray(volumes)
      ? volumes.find((one) => isRecord(one) && one['name'] === 'aws-iam-token')
      : undefined;
    if (volume === undefined) return fail('the volume aws-iam-token is not mounted', restart(pod));
    const token = valueAt(volume, 'projected', 'sources', 0, 'serviceAccountToken');
    const given = textAt(token, 'audience') ?? audience;
    if (given !== audience)
      return fail(
        `its audience is ${given}, STS wants ${audience}`,
        'Take the annotation eks.amazonaws.com/audience away from the ServiceAccount and restart the pod.',
        'trust-policy-aud-mismatch',
      );
    return pass(`audience ${given}`);
  }),
  eachPod(9, 'no competing identity', (pod) => {
    const env = environmentOf(pod);
    const others = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'].filter(
      // Pod Identity competes with a role of the annotation; by itself it is the design.
      (name) => env.has(name) && (name !== 'AWS_CONTAINER_CREDENTIALS_FULL_URI' || env.has('AWS_ROLE_ARN')),
    );
    if (others.length === 0) return pass('no static key, profile or Pod Identity association');
    return fail(
      `${others.join(', ')} set in the pod goes before the role`,
      'Remove it from the Deployment, or the Pod Identity association.',
    );
  }),
];

/** Where controllers run in one process there is no such pod, and nothing for the webhook to do. */
function withoutPods(reader: ClusterReader): CheckResult {
  const gap = reader.gapOf('Pod');
  return gap === undefined ? skipped('no pod of the scanner: its identity comes by TokenRequest') : unknown(gap.why);
}

function eachPod(number: number, name: string, look: (pod: KubeObject, scene: Scene) => CheckResult): Check<Scene> {
  return {
    number,
    name,
    async run(scene) {
      if (scene.scannerPods.length === 0) return withoutPods(scene.reader);
      return scene.scannerPods.map((pod) => {
        const result = look(pod, scene);
        return { ...result, object: formatRef(pod), evidence: `${pod.metadata.name}: ${result.evidence}` };
      });
    },
  };
}

/** The pod was made before the annotation said what it says. */
const stale = 'pod-not-restarted-after-annotation';

function hasPodIdentity(pod: KubeObject): boolean {
  return environmentOf(pod).has('AWS_CONTAINER_CREDENTIALS_FULL_URI');
}

function restart(pod: KubeObject): string {
  return `kubectl -n ${pod.metadata.namespace} rollout restart deploy/${scannerName}`;
}

function hasInjection(pods: readonly KubeObject[]): boolean {
  return pods.some((pod) => environmentOf(pod).has('AWS_ROLE_ARN'));
}

function environmentOf(pod: KubeObject): Map<string, string> {
  const containers = valueAt(pod, 'spec', 'containers');
  const env = Array.isArray(containers) ? valueAt(containers[0], 'env') : undefined;
  return new Map(
    (Array.isArray(env) ? env : []).map((entry) => [textAt(entry, 'name') ?? '', textAt(entry, 'value') ?? '']),
  );
}

/** When the role annotation was last written, by the manager that owns it. */
function annotationTime(account: KubeObject | undefined): string | undefined {
  return account?.metadata.managedFields?.find((entry) => {
    const fields = valueAt(entry.fieldsV1, 'f:metadata', 'f:annotations');
    return isRecord(fields) && `f:${roleAnnotation}` in fields;
  })?.time;
}
