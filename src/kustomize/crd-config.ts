import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import type { NameReference } from './default-name-references.ts';
import { forEachCollecting } from './faults.ts';
import type { FieldSpec } from './field-spec.ts';
import type { SourceFiles } from './file-system.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { type NamingPlace, pathOf, readNamedText } from './read-named.ts';
import { emptyConfig, mergedConfig, type TransformerConfig } from './transformer-config.ts';

type Fields = Record<string, unknown>;

/**
 * What the files of `crds` say about where transformers act: OpenAPI definitions by name, with kustomize's own extensions on
 * properties (`x-kubernetes-annotation`, `-label-selector`, `-identity`, `-object-ref-…`).
 */
export function readCrdConfig(fs: SourceFiles, place: NamingPlace, names: readonly string[]): TransformerConfig {
  const read = forEachCollecting(names, (name) => {
    const path = pathOf(place.folder, name);
    const { value } = parseConfiguration(readNamedText(fs, place, name), path);
    if (!isRecord(value)) throw buildError(path, 'a file of `crds` should be a mapping of definitions by name');
    return configOf(value, path);
  });
  return read.reduce((all, one) => mergedConfig(all, one, place.path), emptyConfig);
}

function configOf(definitions: Fields, where: string): TransformerConfig {
  let config = emptyConfig;
  for (const name of Object.keys(definitions)) {
    const properties = propertiesOf(definitions[name]);
    if (!['kind', 'apiVersion', 'metadata'].every((field) => Object.hasOwn(properties, field))) continue;
    const found = new Collector(definitions, name.slice(name.lastIndexOf('.') + 1));
    found.collect(name, [], []);
    config = mergedConfig(config, { ...emptyConfig, ...found.config() }, where);
  }
  return config;
}

/** The properties of a definition; field names are matched without regard to case, as Go does it. */
function propertiesOf(definition: unknown): Fields {
  const properties = field(field(definition, 'schema'), 'properties');
  return isRecord(properties) ? properties : {};
}

function field(value: unknown, name: string): unknown {
  if (!isRecord(value)) return undefined;
  const key = Object.keys(value).find((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : value[key];
}

class Collector {
  private readonly definitions: Fields;
  private readonly kind: string;
  private readonly annotations: FieldSpec[] = [];
  private readonly labels: FieldSpec[] = [];
  private readonly prefixes: FieldSpec[] = [];
  private readonly references: NameReference[] = [];

  constructor(definitions: Fields, kind: string) {
    this.definitions = definitions;
    this.kind = kind;
  }

  config(): Partial<TransformerConfig> {
    return {
      commonAnnotations: this.annotations,
      commonLabels: this.labels,
      namePrefix: this.prefixes,
      nameReference: this.references,
    };
  }

  /** `trail`: the definitions on the way, as they may refer to themselves. */
  collect(name: string, path: readonly string[], trail: readonly string[]): void {
    if (trail.includes(name) || !Object.hasOwn(this.definitions, name)) return;
    for (const [property, value] of Object.entries(propertiesOf(this.definitions[name]))) {
      if (!isRecord(value)) continue;
      const place = [...path, property];
      const has = (extension: string) => typeof value[`x-kubernetes-${extension}`] === 'string';
      if (has('annotation')) this.annotations.push(this.spec(place));
      if (has('label-selector')) this.labels.push(this.spec(place));
      if (has('identity')) this.prefixes.push(this.spec(place));
      if (has('object-ref-api-version') && has('object-ref-kind')) this.addReference(value, place);
      if (typeof value['$ref'] === 'string') this.collect(value['$ref'], place, [...trail, name]);
    }
  }

  private addReference(value: Fields, place: readonly string[]): void {
    const text = (extension: string) => String(value[`x-kubernetes-object-ref-${extension}`]);
    const nameKey = typeof value['x-kubernetes-object-ref-name-key'] === 'string' ? text('name-key') : 'name';
    const reference = { kind: text('kind'), version: text('api-version') };
    this.references.push({ ...reference, fieldSpecs: [this.spec([...place, nameKey])] });
  }

  private spec(path: readonly string[]): FieldSpec {
    return { kind: this.kind, path: path.join('/'), create: false };
  }
}
