/** One thing that provisioning does. */
export interface Step {
  action: 'create' | 'update';
  /** The object, and what changes about it. */
  what: string;
  run(): Promise<void>;
}
