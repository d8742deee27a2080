import { expect, test } from 'vitest';
import { emptyConfig, mergedConfig, readConfigurations } from './transformer-config.ts';

test('the built-in configuration is what merging it with nothing or with itself gives', () => {
  const builtin = readConfigurations({} as never, { folder: '', path: 'kustomization.yaml' }, []);
  const copy = { ...builtin };
  expect(mergedConfig(emptyConfig, copy, 'kustomization.yaml')).toEqual(builtin);
  expect(mergedConfig(copy, copy, 'kustomization.yaml')).toEqual(builtin);
  expect(mergedConfig(emptyConfig, builtin, 'kustomization.yaml')).toBe(builtin);
});
