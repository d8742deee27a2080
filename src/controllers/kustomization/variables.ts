import type { Kustomization } from '../../api/kustomization.ts';
import { errorMessage } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { groupOf, type KubeObject, versionOf } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { substitute } from '../../kustomize/substitute.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import { printDocuments } from '../../yaml/print.ts';
import { KustomizationFault } from './fault.ts';

const variableName = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const shownPattern = '^[_[:alpha:]][_[:alpha:][:digit:]]*$';
const substituteKey = 'kustomize.toolkit.fluxcd.io/substitute';

type Variables = Record<string, string>;

/**
 * The variables of `spec.postBuild`: those of ConfigMaps and Secrets in the order given, then those of the spec. Line ends
 * are taken out of values (spec/kustomization.md §6). Throws BuildFailed.
 */
export async function loadVariables(
  { spec, metadata }: Kustomization,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Variables> {
  const variables: Variables = {};
  for (const { kind, name, optional } of spec.postBuild?.substituteFrom ?? []) {
    const ref = { apiVersion: 'v1', kind, name, namespace: metadata.namespace ?? '' };
    const object = await client.get(ref, { signal });
    if (object === undefined) {
      if (optional === true) continue;
      const resource = kind === 'Secret' ? 'secrets' : 'configmaps';
      throw buildFailed(`substitute from '${kind}/${name}' error: ${resource} "${name}" not found`);
    }
    const data = isRecord(object['data']) ? object['data'] : {};
    for (const [key, value] of Object.entries(data)) {
      const text = kind === 'Secret' ? Buffer.from(String(value), 'base64').toString('utf8') : String(value);
      variables[key] = withoutLineEnds(text);
    }
  }
  for (const [key, value] of Object.entries(spec.postBuild?.substitute ?? {})) variables[key] = withoutLineEnds(value);
  for (const key of Object.keys(variables)) {
    if (!variableName.test(key)) throw buildFailed(`'${key}' var name is invalid, must match '${shownPattern}'`);
  }
  return variables;
}

function withoutLineEnds(value: string): string {
  return value.replaceAll('\n', '');
}

export interface SubstitutionOptions {
  variables: Variables;
  strict: boolean;
  /** Substitute even where there is no variable at all. */
  always: boolean;
}

/**
 * Objects with their variables replaced, on the text of each as kustomize prints it. Throws BuildFailed naming every object
 * that cannot be done, with every variable that it lacks.
 */
export function substituteObjects(objects: readonly KubeObject[], options: SubstitutionOptions): KubeObject[] {
  if (Object.keys(options.variables).length === 0 && !options.always) return [...objects];
  const faults: string[] = [];
  const results = objects.map((object) => {
    try {
      return substituteObject(object, options);
    } catch (error) {
      faults.push(`post build failed for '${describe(object)}': ${errorMessage(error)}`);
      return object;
    }
  });
  if (faults.length > 0) throw buildFailed(faults.join('\n'));
  return results;
}

function substituteObject(object: KubeObject, { variables, strict }: SubstitutionOptions): KubeObject {
  const { labels, annotations } = object.metadata;
  if (labels?.[substituteKey] === 'disabled' || annotations?.[substituteKey] === 'disabled') return object;
  const text = printDocuments([object]);
  if (!text.includes('$')) return object;
  let substituted: string;
  try {
    substituted = substitute(text, variables, { strict });
  } catch (error) {
    throw new Error(`envsubst error: variable substitution failed: ${errorMessage(error)}`);
  }
  // What is read again may hold values of Secrets, so the parser's message is not shown.
  const parsed = readAgain(substituted);
  if (!isRecord(parsed)) throw new Error('envsubst error: YAMLToJSON: the result is not an object');
  return parsed as KubeObject;
}

function readAgain(text: string): unknown {
  try {
    return parseDocuments(text, 'substituted text')[0];
  } catch {
    throw new Error(
      'envsubst error: YAMLToJSON: the result is no valid YAML; quote values that hold special characters',
    );
  }
}

/** `Deployment.v1.apps/web`, as kustomize names an object. */
export function describe({ apiVersion, kind, metadata }: KubeObject): string {
  return `${kind}.${versionOf(apiVersion)}.${groupOf(apiVersion) || '[noGrp]'}/${metadata.name}`;
}

function buildFailed(message: string): KustomizationFault {
  return new KustomizationFault('BuildFailed', message, 'retry');
}
