import { expect, test } from 'vitest';
import { failureIndex, failurePage } from '../src/diagnose/doctor/page.ts';
import { rules } from '../src/diagnose/doctor/rules/index.ts';

/** `npm run docs` writes the pages anew from the rules. */
test('docs/failures/ has the index of the failure codes', async () => {
  await expect(failureIndex(rules)).toMatchFileSnapshot('../docs/failures/README.md');
});

test.each(rules)('docs/failures/ has a page for $code', async (rule) => {
  await expect(failurePage(rule)).toMatchFileSnapshot(`../docs/failures/${rule.code}.md`);
});
