import type { PracticeFault } from './fault.ts';

export const ecrEndpointUnreachable: PracticeFault = {
  code: 'ecr-endpoint-unreachable',
  broken: "The controllers reach ECR's API through an endpoint that does not exist.",
  controllers: { env: { AWS_ENDPOINT_URL_ECR: 'http://api.ecr.eu-west-1.amazonaws.com.invalid' } },
};
