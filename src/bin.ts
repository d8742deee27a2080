#!/usr/bin/env node
import { version } from './version.ts';

// Answered before anything else is loaded, so that it costs what starting Node costs.
const argument = process.argv[2];
if (argument === '--version' || argument === '-V') {
  process.stdout.write(`${version}\n`);
} else {
  const { main } = await import('./cli/main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
