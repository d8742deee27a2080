import { isRecord } from '../base/json.ts';
import type { Configuration } from './configuration.ts';

/** The spec of the FluxInstance that a configuration asks for; `flux.values.instance` is laid over it, as in Terraform. */
export function fluxInstanceSpec({ flux, git }: Configuration): Record<string, unknown> {
  const own = {
    distribution: {
      version: flux.version,
      registry: flux.registry,
      ...(flux.variant === undefined ? {} : { variant: flux.variant }),
      ...(flux.artifact === undefined ? {} : { artifact: flux.artifact }),
    },
    components: flux.components,
    cluster: { type: 'aws', networkPolicy: true, ...(flux.size === undefined ? {} : { size: flux.size }) },
    sync: {
      kind: 'GitRepository',
      url: git.url,
      ref: git.ref,
      path: git.path,
      pullSecret: git.credential.secret,
      interval: git.interval,
    },
  };
  return overlay(own, flux.values['instance']) as Record<string, unknown>;
}

function overlay(base: unknown, extra: unknown): unknown {
  if (!isRecord(base) || !isRecord(extra)) return extra ?? base;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(extra)) merged[key] = overlay(base[key], value);
  return merged;
}
