import type { Rule } from '../rule.ts';

export const imageTagNotFound: Rule = {
  code: 'image-tag-not-found',
  cause:
    'The tag that is referenced does not exist in the repository (never pushed, misspelt, or expired by a lifecycle policy).',
  fix: 'Push the tag or reference one that exists; keep tags that are in use out of the lifecycle policy.',
  commands: [
    'aws ecr describe-images --region $REGION --registry-id $REGISTRY_ACCOUNT --repository-name $REPOSITORY --query "imageDetails[].imageTags[]"',
  ],
  says: [
    [/MANIFEST_UNKNOWN|manifest unknown|Requested image not found|ImageNotFoundException/i, 0.94],
    [/failed to resolve reference "[^"]+"[\s\S]*: not found/i, 0.88],
    [/\bmanifest (for|tagged by) \S+ (is )?not found\b/i, 0.93],
    [/(ErrImagePull|ImagePullBackOff)[\s\S]*not found/i, 0.8],
  ],
  examples: [
    { symptom: 'MANIFEST_UNKNOWN: Requested image not found', found: true },
    { symptom: "NAME_UNKNOWN: The repository with name 'x' does not exist", found: false },
  ],
};
