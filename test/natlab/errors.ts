/** There can be no lab on this machine, or not by this user: the message names the cause and the remedy. */
export class LabUnavailableError extends Error {
  override name = 'LabUnavailableError'
}

/** The lab was closed, or its helper process ended, before the call was answered. */
export class LabClosedError extends Error {
  override name = 'LabClosedError'
}

/** The lab could not do what was asked: the message names the cause and, where there is one, the remedy. */
export class LabError extends Error {
  override name = 'LabError'
}
