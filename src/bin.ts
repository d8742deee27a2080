#!/usr/bin/env node
import { version } from './version.ts';

// Answered before anything else is loaded, so that it costs what starting Node costs.
const argument = process.argv[2];
if (argument === '--version' || argument === '-V') {
  process.stdout.write(`${version}\n`);
} else if (!isNewEnough(process.versions.node)) {
  process.stderr.write(`error: millrace needs Node 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { main } = await import('./cli/main.ts');
  process.exitCode = await main(process.argv.slice(2));
}

function isNewEnough(node: string): boolean {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}
