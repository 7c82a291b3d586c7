import type { Mutation } from './mutation.ts'

export const SESSION_MUTATIONS: readonly Mutation[] = [
  {
    breaks: 'drop a replay: what a path takes with it is not sent again',
    file: 'src/session/paths.ts',
    find: 'this.#onLost(record.item)',
    replace: ''
  },
  {
    breaks: 'drop the replay of FIN only',
    file: 'src/session/send-half.ts',
    find: 'if (piece.fin && !this.#finAcked) this.#finPending = true',
    replace: ''
  },
  {
    breaks: 'mis-order: deliver what waits behind a gap',
    file: 'src/session/receive-half.ts',
    find: 'if (offset > this.#delivered) break',
    replace: ''
  },
  {
    breaks: 'deliver twice what overlaps with bytes delivered before',
    file: 'src/session/receive-half.ts',
    find: 'out.push(data.subarray(this.#delivered - offset))\n        this.#delivered = end',
    replace: 'out.push(data)\n        this.#delivered = end'
  },
  {
    breaks: 'ack early: tell of a frame before it came',
    file: 'src/session/acks.ts',
    find: 'this.#received++',
    replace: 'this.#received += this.#received % 16 === 15 ? 2 : 1'
  },
  {
    breaks: 'acknowledge bytes behind a gap, and keep none of them',
    file: 'src/session/receive-half.ts',
    find: 'this.#keep(from, data.subarray(from - offset))',
    replace: ''
  },
  {
    breaks: 'free early: an acknowledged piece frees all before it',
    file: 'src/session/send-half.ts',
    find: 'if (first != null && first[0] <= this.#base) this.#free(first[1])',
    replace: 'if (first != null) this.#free(first[1])'
  },
  {
    breaks: 'forget credit after path loss',
    file: 'src/session/streams.ts',
    find: 'this.#control.owe(item)\n',
    replace: "if (item.type !== 'maxData' && item.type !== 'maxStreamData') this.#control.owe(item)\n"
  },
  {
    breaks: 'forget RESET and STOP_SENDING after path loss',
    file: 'src/session/streams.ts',
    find: 'this.#control.owe(item)\n',
    replace: "if (item.type === 'maxData' || item.type === 'maxStreamData') this.#control.owe(item)\n"
  },
  {
    breaks: "clear suspicion by another path's ACK",
    file: 'src/session/session.ts',
    find: 'this.#onRecordsAcked(path.onAckElsewhere(',
    replace: 'this.#paths.restore(path)\n      this.#onRecordsAcked(path.onAckElsewhere('
  },
  {
    breaks: 'suspect after a quarter of the RTO',
    file: 'src/session/path-state.ts',
    find: 'this.#lastProgressAt) + this.rtoMs',
    replace: 'this.#lastProgressAt) + this.rtoMs / 4'
  },
  {
    breaks: 'never suspect a path while there is another',
    file: 'src/session/path-state.ts',
    find: 'if (this.#doubt == null || now <= this.#doubt.since) return',
    replace: 'return'
  },
  {
    breaks: 'keep a suspicion to oneself',
    file: 'src/session/path-state.ts',
    find: 'probeIntervalMs: this.rtoMs, peerKnows }',
    replace: 'probeIntervalMs: this.rtoMs, peerKnows: true }'
  },
  {
    breaks: 'leave on a suspect path what was sent there, though another is healthy',
    file: 'src/session/paths.ts',
    find: "if (path.status === 'suspect') this.#requeue(path.unacked())",
    replace: ''
  },
  {
    breaks: 'pay session credit for bytes sent again',
    file: 'src/session/send-half.ts',
    find: 'this.#lost.remove(offset, end)\n    } else {',
    replace: 'this.#lost.remove(offset, end)\n      newBytes = end - offset\n    } else {'
  },
  {
    breaks: 'give stream credit for bytes the application has not taken',
    file: 'src/session/receive-half.ts',
    find: 'const max = this.consumed + window',
    replace: 'const max = this.highest + window'
  },
  {
    breaks: 'keep the session credit of streams given up',
    file: 'src/session/receive-half.ts',
    find: 'this.#buffered = 0\n    this.consumed = this.highest',
    replace: 'this.#buffered = 0'
  },
  {
    breaks: 'forget a finished stream before the application has read it',
    file: 'src/session/stream-state.ts',
    find: 'return !receive.isUnread',
    replace: 'return true'
  },
  {
    breaks: 'say closed before the peer has acknowledged all',
    file: 'src/session/session.ts',
    find: 'if (!this.#closing.isComplete || !this.#streams.isAcked) return',
    replace: 'if (!this.#closing.isComplete) return'
  },
  {
    breaks: 'put more in flight than the limit',
    file: 'src/session/sender.ts',
    find: 'while (path.writable && this.#paths.hasRoom(path)) {',
    replace: 'while (path.writable) {'
  },
  {
    breaks: 'supersede on HELLO',
    file: 'src/session/handshake.ts',
    find: '    return {\n      next: {',
    replace: [
      '    const { live } = identity',
      '    if (live != null && live.peerInstance !== instanceName(frame.instance)) identity.end()',
      '    return {\n      next: {'
    ].join('\n')
  },
  {
    breaks: 'let a session that has ended come back',
    file: 'src/session/identity.ts',
    find: 'this.#live.epoch + 1',
    replace: 'this.#live.epoch'
  },
  {
    breaks: 'budget: take all that is left, not half',
    file: 'src/session/byte-budget.ts',
    find: 'return Math.max(0, (this.remainingBytes - this.#reserveBytes) / 2 - this.#unackedBytes)',
    replace: 'return Math.max(0, this.remainingBytes - this.#reserveBytes - this.#unackedBytes)'
  },
  {
    breaks: 'budget: forget what is on its way',
    file: 'src/session/byte-budget.ts',
    find: 'return Math.max(0, (this.remainingBytes - this.#reserveBytes) / 2 - this.#unackedBytes)',
    replace: 'return Math.max(0, (this.remainingBytes - this.#reserveBytes) / 2)'
  },
  {
    breaks: 'budget: keep no reserve for answers',
    file: 'src/session/byte-budget.ts',
    find: 'return Math.max(0, (this.remainingBytes - this.#reserveBytes) / 2 - this.#unackedBytes)',
    replace: 'return Math.max(0, this.remainingBytes / 2 - this.#unackedBytes)'
  }
]
