import { parseDuration } from '../../base/duration.ts';
import type { KubeObject } from '../../base/kube-object.ts';

/** On an automation: wait so long for further images, so that they become one commit. A duration; default none. */
export const batchWindowAnnotation = 'image.millrace.dev/batch-window';

/** On an automation: further namespaces whose policies it follows where they consent; comma separated, or `*`. */
export const policyNamespacesAnnotation = 'image.millrace.dev/policy-namespaces';

/** On a policy: namespaces whose automations may follow it; comma separated, or `*`. */
export const allowAutomationsAnnotation = 'image.millrace.dev/allow-automations-from';

/** On an automation: `"true"` opens a pull request from the push branch to the checkout branch, or updates it. */
export const pullRequestAnnotation = 'image.millrace.dev/pull-request';

/** On an automation: `github`, `gitlab` or `bitbucket`, where the host of the repository does not tell. */
export const gitHostAnnotation = 'image.millrace.dev/git-host';

/** On an automation: address of the git host's REST API, for servers of one's own. */
export const gitHostApiAnnotation = 'image.millrace.dev/git-host-api';

/** On an automation: Secret of its namespace with the `token` for that API, where git's own credential will not do. */
export const gitHostSecretAnnotation = 'image.millrace.dev/git-host-secret';

/** Names in a comma separated annotation. */
export function namesIn(object: KubeObject, annotation: string): string[] {
  const text = object.metadata.annotations?.[annotation] ?? '';
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Whether a list of names, of which `*` is every one, holds a name. */
export function admits(names: readonly string[], name: string): boolean {
  return names.includes('*') || names.includes(name);
}

/** Milliseconds; 0 without the annotation. Throws BAD_INPUT. */
export function batchWindowMs(object: KubeObject): number {
  const text = object.metadata.annotations?.[batchWindowAnnotation];
  return text === undefined ? 0 : parseDuration(text, `annotation ${batchWindowAnnotation}`);
}
