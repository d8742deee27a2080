import { lineAt, type MarkedScalar, scanMarkers } from './marked-scalars.ts';
import { parseMarker, parseSetter } from './setter-marker.ts';
import { isMarkerFile } from './update-markers.ts';

export type MarkerRule =
  /** The file does not parse, so all its markers are passed over. */
  | 'problem-file'
  /** The name of the file is not one that is looked at. */
  | 'ignored-file'
  | 'malformed'
  /** The comment belongs to no value that could be written. */
  | 'no-value'
  | 'unknown-policy'
  /** The policy is not in the namespace of an automation that covers the file: silently ignored by Flux. */
  | 'wrong-namespace'
  /** No automation covers the file. */
  | 'outside-path'
  /** The value beside the marker is something else than what the marker writes. */
  | 'not-an-image';

/** A marker that does nothing, or something that was hardly meant. */
export interface MarkerFinding {
  file: string;
  /** Counted from 1. */
  line: number;
  rule: MarkerRule;
  message: string;
}

/** What is known of the cluster; what is absent is not checked. */
export interface LintScope {
  /** Existing policies, `namespace:name`. */
  policies?: ReadonlySet<string>;
  /** Namespaces of the automations whose `update.path` covers this file. */
  namespaces?: ReadonlySet<string>;
}

/** Finds the markers of one file that do nothing, and says why each of them does not. */
export function lintMarkers(file: string, text: string, scope: LintScope): MarkerFinding[] {
  const lines = markerLines(text);
  if (lines.length === 0) return [];
  const finding = (line: number, rule: MarkerRule, message: string): MarkerFinding => ({ file, line, rule, message });
  const [firstLine = { number: 1, text: '' }] = lines;
  if (!isMarkerFile(file)) {
    return [
      finding(
        firstLine.number,
        'ignored-file',
        'markers count in .yaml and .yml files and in files named Kustomization only',
      ),
    ];
  }
  if (scope.namespaces?.size === 0) {
    return [finding(firstLine.number, 'outside-path', "no ImageUpdateAutomation's spec.update.path covers this file")];
  }
  const scan = scanMarkers(text);
  if (scan.kind === 'problem')
    return [finding(firstLine.number, 'problem-file', `the whole file is skipped: ${scan.problem}`)];
  const scalarOfLine = new Map(scan.scalars.map((scalar) => [lineAt(text, scalar.commentStart), scalar]));
  return lines.flatMap((line) => {
    const scalar = scalarOfLine.get(line.number);
    if (scalar !== undefined)
      return checkScalar(scalar, scope).map(([rule, message]) => finding(line.number, rule, message));
    const comment = line.text.slice(line.text.indexOf('#'));
    if (!line.text.includes('#') || parseMarker(comment.slice(comment.search(/#+\s*\{/))).length === 0) {
      return [
        finding(
          line.number,
          'malformed',
          'a marker is a comment that holds one JSON object with string values and nothing else',
        ),
      ];
    }
    return [
      finding(
        line.number,
        'no-value',
        'the marker is not behind a value: it belongs at the end of the line of an image, tag or digest',
      ),
    ];
  });
}

type Verdict = readonly [MarkerRule, string];

function checkScalar({ setters, value }: MarkedScalar, { policies, namespaces }: LintScope): Verdict[] {
  const [setter = ''] = setters;
  const parsed = parseSetter(setter);
  if (parsed === undefined) {
    return [['malformed', `'${setter}' is not namespace:policy, with :tag, :name or :digest after it where wanted`]];
  }
  const verdicts: Verdict[] = [];
  const [namespace = ''] = parsed.policy.split(':');
  if (namespaces !== undefined && !namespaces.has(namespace)) {
    const where = [...namespaces].sort().join(', ');
    verdicts.push([
      'wrong-namespace',
      `policy '${parsed.policy}' is in another namespace than the automation (${where}) and is ignored`,
    ]);
  } else if (policies !== undefined && !policies.has(parsed.policy)) {
    verdicts.push(['unknown-policy', `there is no ImagePolicy '${parsed.policy.replace(':', '/')}'`]);
  }
  const unfit = unfitValue(parsed.field, value);
  if (unfit !== undefined) verdicts.push(['not-an-image', unfit]);
  return verdicts;
}

function unfitValue(field: string, value: string): string | undefined {
  const isReference = /^[\w.-]+(?::\d+)?(?:\/[\w.-]+)+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?$/.test(value);
  if (field === 'image' && value !== '' && !/[:/@]/.test(value) && !/^[a-z][a-z0-9._-]*$/.test(value)) {
    return `the marker writes a whole image reference, the value here is '${value}'`;
  }
  if (field === 'tag' && isReference)
    return `the marker writes a tag alone over the image reference '${value}'; leave out ':tag'`;
  if (field === 'digest' && value !== '' && !/^[a-z0-9]+:[0-9a-f]*$/.test(value))
    return `the marker writes a digest, the value here is '${value}'`;
  return undefined;
}

interface TextLine {
  number: number;
  text: string;
}

/** A marker whose key lacks the double quotes: not even the file counts as one with markers. */
const unquotedKey = /#.*\{\s*'?\$imagepolicy'?\s*:/;

function markerLines(text: string): TextLine[] {
  if (!text.includes('$imagepolicy')) return [];
  return text
    .split('\n')
    .map((line, index) => ({ number: index + 1, text: line.replace(/\r$/, '') }))
    .filter((line) => line.text.includes('"$imagepolicy"') || unquotedKey.test(line.text));
}
