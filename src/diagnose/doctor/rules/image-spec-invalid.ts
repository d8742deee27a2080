import type { Rule } from '../rule.ts';

export const imageSpecInvalid: Rule = {
  code: 'image-spec-invalid',
  cause: 'The image, filter, policy or repository as it is written in the object is invalid.',
  fix: 'Write spec.image bare, without scheme and tag; test patterns and policies against the real tags.',
  commands: ['kubectl -n $NS get $OBJECT -o yaml'],
  says: [
    [/repository can only contain the (runes|characters)|\bInvalidImageName\b/i, 0.93],
    [/should not include (a tag|URL scheme)/i, 0.96],
    [
      /first path segment in URL cannot contain colon|invalid (git )?(repository )?URL|unsupported (protocol|URL) scheme/i,
      0.8,
    ],
    [/URL must not contain a tag/i, 0.95],
    [/(could not|couldn't|cannot|unable to|failed to) parse (the )?(image )?(reference|image\b)/i, 0.9],
    [/invalid regular expression|error parsing regexp|failed to compile regex/i, 0.94],
    [/failed to parse invalid numeric value/i, 0.95],
    [/\binvalid policy\b|improper constraint|semver parse error/i, 0.92],
    [/spec\.image: Invalid value|\bURL must be in format 'oci:|invalid OCI URL/i, 0.92],
    [/scheme "oci" not supported|protocol handler for: oci/i, 0.9],
    [/'oci' URL scheme|scheme[^.]*oci:\/\/|must match[^.]*oci:/i, 0.85],
    [/\bImageURLInvalid\b|encountered invalid image ref/i, 0.92],
    [/invalid reference format/i, 0.85],
  ],
  shows: (facts) =>
    facts['pod_waiting_reason'] === 'InvalidImageName' ? 'the kubelet calls the image name invalid' : undefined,
  examples: [
    { symptom: "image 'x/y:1.0' should not include a tag; remove ':1.0'", found: true },
    { symptom: "failed to parse invalid numeric value 'main-1'", found: true },
  ],
};
