import { isRecord } from '../../base/json.ts';
import { number, record, text, texts } from './facts.ts';
import type { Facts } from './rule.ts';

/** What an automation says when it has nothing to commit, or a person when nothing happens. */
export const nothingCommitted =
  /repository up-to-date|no updates made|no change since last reconciliation|no changes made (in|to)( the)? working directory|(does|is|in) not (commit|updat|push)\w*|no(t| new)? commit|(never|stopped) (commit|updat|push)\w*/i;

/** Whether the policy has chosen another tag than the manifest holds. */
export function policyHasMoved(facts: Facts): boolean {
  const latest = text(facts, 'policy_latest');
  const inManifest = text(facts, 'manifest_image_tag');
  return latest !== undefined && inManifest !== undefined && latest !== inManifest;
}

/** Why markers that exist do not count for the automation, or undefined. */
export function scopeFault(facts: Facts): string | undefined {
  const namespace = text(facts, 'automation_namespace');
  const policyNamespaces = texts(facts['policy_namespaces']);
  if (namespace !== undefined && policyNamespaces.length > 0 && !policyNamespaces.includes(namespace)) {
    return `the automation is in namespace ${namespace}, its policies in ${policyNamespaces.join(', ')}`;
  }
  const path = text(facts, 'update_path');
  const markerPaths = texts(facts['marker_paths']);
  if (path !== undefined && markerPaths.length > 0 && !markerPaths.some((file) => isBelow(path, file))) {
    return `the markers are in ${markerPaths.join(', ')}, the automation looks below ${path}`;
  }
  const manifests = text(facts, 'manifest_path');
  if (
    path !== undefined &&
    manifests !== undefined &&
    !isBelow(path, `${manifests}/`) &&
    !isBelow(manifests, `${path}/`)
  ) {
    return `the manifest is below ${manifests}, the automation looks below ${path}`;
  }
  const selector = record(facts, 'policy_selector');
  const labels = record(facts, 'policy_labels');
  if (selector !== undefined && labels !== undefined && !selects(selector, labels)) {
    return "the automation's policySelector does not match the policy's labels";
  }
  return undefined;
}

/** Why no marker names the policy, or undefined. */
export function markerFault(facts: Facts): string | undefined {
  if (number(facts, 'markers_found') === 0) return 'no marker was found';
  const markers = facts['markers'];
  const policies = texts(facts['policies']);
  if (Array.isArray(markers) && markers.length === 0) return 'no marker was found';
  if (texts(markers).length === 0 || policies.length === 0) return undefined;
  const named = texts(markers).map((marker) => marker.split(':').slice(0, 2).join('/'));
  if (named.some((name) => policies.includes(name))) return undefined;
  return `the markers name ${named.join(', ')}, the policies are ${policies.join(', ')}`;
}

function isBelow(path: string, file: string): boolean {
  const folder = path.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  return folder === '' || folder === '.' || file.replace(/^\.?\/+/, '').startsWith(`${folder}/`);
}

function selects(selector: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, unknown>>): boolean {
  const wanted = isRecord(selector['matchLabels']) ? selector['matchLabels'] : selector;
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'] : [];
  return (
    Object.entries(wanted).every(([key, value]) => typeof value !== 'string' || labels[key] === value) &&
    expressions.every((expression) => !isRecord(expression) || meets(expression, labels))
  );
}

/** A requirement of a label selector; https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/. */
function meets(expression: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, unknown>>): boolean {
  const value = labels[text(expression, 'key') ?? ''];
  const listed = typeof value === 'string' && texts(expression['values']).includes(value);
  const operator = text(expression, 'operator');
  if (operator === 'In') return listed;
  if (operator === 'NotIn') return !listed;
  return operator === 'Exists' ? value !== undefined : value === undefined;
}

/** The line of the manifest with the marker that it lacks, where image and policy are known. */
export function markerDiff(facts: Facts): string | undefined {
  const image = text(facts, 'manifest_image');
  const [policy] = texts(facts['policies']);
  if (image === undefined || policy === undefined) return undefined;
  const where = text(facts, 'manifest_path') ?? 'manifest';
  const line = `image: ${image}`;
  return `--- ${where}\n+++ ${where}\n-  ${line}\n+  ${line} # {"$imagepolicy": "${policy.replace('/', ':')}"}`;
}
