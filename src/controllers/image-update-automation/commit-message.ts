import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { errorMessage } from '../../base/error.ts';
import type { ObjectIdentity } from '../../images/marked-scalars.ts';
import { compileTemplate, type Template } from '../../images/template/template.ts';
import { GoMap, GoStruct, mapOf, type Value } from '../../images/template/value.ts';
import { Fault } from '../image/fault.ts';
import type { FileChange } from './apply-setters.ts';

export const defaultMessage = 'Update from image update automation';

const guide = 'See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template';

/**
 * The commit message of an automation for its changes (spec/image.md §9). Throws Fault: GitOperationFailed for a template
 * that does not parse or run, RemovedTemplateField (stalled) for fields of former versions.
 */
export function renderCommitMessage(
  automation: ImageUpdateAutomation,
  changes: readonly FileChange[],
  now: () => number,
): string {
  const template = parseMessageTemplate(automation, now);
  try {
    return template.render(templateData(automation, changes));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw templateFault(`failed to run template from spec: ${errorMessage(cause)}`, cause);
  }
}

/** Parses the template alone, so that a broken one is told of before there is anything to commit. Throws Fault. */
export function parseMessageTemplate({ spec }: ImageUpdateAutomation, now: () => number): Template {
  try {
    return compileTemplate(spec.git?.commit.messageTemplate || defaultMessage, now);
  } catch (cause) {
    throw templateFault(`unable to create commit message template from spec: ${errorMessage(cause)}`, cause);
  }
}

function templateFault(message: string, cause: unknown): Fault {
  return new Fault('GitOperationFailed', `failed to update source: ${message}`, { cause });
}

function templateData({ metadata, spec }: ImageUpdateAutomation, changes: readonly FileChange[]): Value {
  const { namespace = '', name } = metadata;
  const self = { Namespace: namespace, Name: name };
  return new GoStruct(
    'source.TemplateData',
    {
      AutomationObject: new GoStruct('types.NamespacedName', self, { text: `${namespace}/${name}` }),
      Changed: changedData(changes),
      Values: mapOf(spec.git?.commit.messageTemplateValues ?? {}),
    },
    {
      onMissing: (field) => {
        if (field === 'Updated') throw removedField("'.Updated'", "'.Changed'");
      },
    },
  );
}

function changedData(changes: readonly FileChange[]): Value {
  const files = groupBy(changes, ({ file }) => file);
  return new GoStruct(
    'update.ResultV2',
    {
      FileChanges: new GoMap([...files].map(([file, own]) => [file, objectMap(own)])),
      Objects: objectMap(changes),
      Changes: uniqueChanges(changes),
    },
    {
      onMissing: (field) => {
        if (field === 'ImageResult')
          throw removedField("'.Changed.ImageResult'", "'.Changed.FileChanges' or '.Changed.Objects'");
      },
    },
  );
}

function objectMap(changes: readonly FileChange[]): GoMap {
  const objects = groupBy(changes, ({ object }) => JSON.stringify(identityFields(object)));
  return new GoMap([...objects.values()].map((own) => [objectData(own[0]?.object), own.map(changeData)] as const));
}

function objectData(object: ObjectIdentity | undefined): Value {
  return new GoStruct('update.ObjectIdentifier', identityFields(object));
}

function identityFields(object: ObjectIdentity | undefined): Record<string, string> {
  const { apiVersion = '', kind = '', name = '', namespace = '' } = object ?? {};
  return { APIVersion: apiVersion, Kind: kind, Name: name, Namespace: namespace };
}

function changeData(change: FileChange): Value {
  return new GoStruct('update.Change', { OldValue: change.old, NewValue: change.new, Setter: change.setter });
}

/** In file and document order; Flux's order is random. */
function uniqueChanges(changes: readonly FileChange[]): Value[] {
  const groups = groupBy(changes, (change) => JSON.stringify([change.old, change.new, change.setter]));
  return [...groups.values()].map(([first]) => (first === undefined ? null : changeData(first)));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function removedField(field: string, instead: string): Fault {
  const message = `template uses removed ${field} field. Please use ${instead} instead. ${guide}`;
  return new Fault('RemovedTemplateField', message, { stalled: true });
}
