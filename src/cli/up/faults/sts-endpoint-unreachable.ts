import type { PracticeFault } from './fault.ts';

export const stsEndpointUnreachable: PracticeFault = {
  code: 'sts-endpoint-unreachable',
  broken: 'The controllers reach STS through an endpoint at which nothing listens.',
  controllers: { env: { AWS_ENDPOINT_URL_STS: 'http://sts.eu-west-1.amazonaws.com.invalid' } },
};
