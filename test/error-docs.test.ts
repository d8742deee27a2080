import { expect, test } from 'vitest';
import { errorCodes } from '../src/base/error-codes.ts';

/** `npm run docs` writes the file anew from the registry. */
test('docs/errors.md lists every error code', async () => {
  const sections = Object.entries(errorCodes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { meaning, fix }]) => `## ${code}\n\n${meaning}\n\n**What to do:** ${fix}\n`);
  const page = `# Error codes\n\nEvery error of Millrace carries one of these codes; it is printed on the line \`code: …\`.\n\n${sections.join('\n')}`;
  await expect(page).toMatchFileSnapshot('../docs/errors.md');
});
