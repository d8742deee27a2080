/** What is delivered where in the sandbox's own fleet. */
export const demoNames = {
  namespace: 'flux-system',
  branch: 'main',
  fleet: 'fleet',
  repository: 'zenler/mainapp',
  gitSecret: 'git-auth',
  firstTag: '1.0.0',
  nextTag: '1.0.1',
} as const;
