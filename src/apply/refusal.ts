import { errorMessage } from '../base/error.ts';
import { formatRef, type KubeObject } from '../base/kube-object.ts';
import { isKubeReason, kubeStatusOf } from '../kube/status-error.ts';

/** An object that the server did not take, and what it said. */
export interface Refusal {
  object: KubeObject;
  message: string;
  cause: unknown;
  /** It was to be written, not only tried. */
  wasSent?: boolean;
}

/** `<obj> dry-run failed (<Reason>): <message>` (spec/kustomization.md §8.3). */
export function refusalOf(object: KubeObject, cause: unknown): Refusal {
  const ref = formatRef(object);
  const status = kubeStatusOf(cause);
  if (isKubeReason(cause, 'NotFound')) {
    const isUnplaced = object.metadata.namespace === undefined && !/namespaces? "/.test(status?.message ?? '');
    const what = isUnplaced ? 'namespace not specified' : 'not found';
    return { object, cause, message: `${ref} ${what}: ${serverMessage(cause)}` };
  }
  const isConflict = status?.details?.causes?.some(({ reason }) => reason === 'FieldManagerConflict') === true;
  const reason = isConflict ? 'FieldManagerConflict' : (status?.reason ?? '');
  const shown = reason === '' ? '' : ` (${reason})`;
  return { object, cause, message: `${ref} dry-run failed${shown}: ${serverMessage(cause)}` };
}

export function serverMessage(error: unknown): string {
  return kubeStatusOf(error)?.message ?? errorMessage(error);
}
