/**
 * Is what the page shows live? Decided from two proofs only: the event stream
 * is open and complete, and the server answered within the last seconds.
 */

/** A probe goes out this often … */
export const PROBE_EVERY_MS = 1_500;
/** … and is given up after this long. */
export const PROBE_TIMEOUT_MS = 2_000;
/** Without an answer or event for this long the server counts as lost. */
export const LOST_AFTER_MS = 4_000;
/** Scores come each minute; an open stream without any event for longer is reopened. */
export const SILENT_AFTER_MS = 90_000;

/**
 * `live`: what is shown is of now. `waiting`: the server answers, but its
 * events are not (yet) there. `lost`: the server does not answer.
 */
export type ConnectionState = 'connecting' | 'live' | 'waiting' | 'lost';

export type Evidence = {
  /** The stream is open and its snapshot has come. */
  isStreaming: boolean;
  /** Has any snapshot ever come? */
  hasData: boolean;
  /** Milliseconds since the page opened, of a clock that never jumps. */
  now: number;
  startedAt: number;
  /** The last answer or event of the server. */
  lastSignAt: number | null;
  /** The newest probe came back without an answer. */
  isUnreachable: boolean;
};

export function connectionState(evidence: Evidence): ConnectionState {
  const since = evidence.now - (evidence.lastSignAt ?? evidence.startedAt);
  if (since > LOST_AFTER_MS) return 'lost';
  if (evidence.isUnreachable && !evidence.isStreaming) return 'lost';
  if (evidence.isStreaming && evidence.lastSignAt !== null) return 'live';
  return evidence.hasData ? 'waiting' : 'connecting';
}

/** Is the stream to be reopened although nobody closed it? */
export function isSilent(now: number, lastEventAt: number): boolean {
  return now - lastEventAt > SILENT_AFTER_MS;
}
