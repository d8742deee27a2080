import type { JsonService } from '../service.ts';
import { messageOperations } from './messages.ts';
import { queueOperations } from './queues.ts';
import type { SqsContext } from './sqs-context.ts';

/** The Simple Queue Service. */
export function sqsService(context: SqsContext): JsonService {
  return {
    protocol: 'json',
    name: 'sqs',
    contentType: 'application/x-amz-json-1.0',
    target: 'AmazonSQS',
    lowerCaseActions: true,
    queryCodes: {
      'com.amazonaws.sqs#QueueDoesNotExist': 'AWS.SimpleQueueService.NonExistentQueue',
      'com.amazonaws.sqs#QueueNameExists': 'QueueAlreadyExists',
      'com.amazonaws.sqs#ReceiptHandleIsInvalid': 'ReceiptHandleIsInvalid',
      AccessDeniedException: 'AccessDenied',
      UnrecognizedClientException: 'InvalidClientTokenId',
    },
    operations: { ...queueOperations(context), ...messageOperations(context) },
  };
}
