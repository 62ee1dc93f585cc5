import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Log } from '#libs/kernel';

/**
 * Is started with the groups of then, `pgid:start `, and reads `+ pgid start` and `- pgid` lines. Its stdin ends when the gateway does, however that came about: then what is left of
 * the groups gets a pause to follow the end of its own stdin, SIGTERM, and two pauses later SIGKILL.
 *
 * The number of a group can belong to strangers only after its leader and all members are gone; then the leader's start
 * time differs. Signals that are meant for the gateway's service or terminal as a whole must not end it first.
 */
export const script = (pause: number): string => `set -f
trap '' HUP INT TERM
groups=" $1"
while read -r op id start; do
  case $op in
    +) groups="$groups$id:$start " ;;
    -) case $groups in *" $id:"*)
         rest=\${groups#*" $id:"}
         groups="\${groups%%" $id:"*} \${rest#* }" ;;
       esac ;;
  esac
done
ours() {
  kill -0 "-$1" 2>/dev/null || return 1
  [ "$2" = - ] && return 0
  line=
  while read -r part; do line="$line $part"; done 2>/dev/null <"/proc/$1/stat"
  [ "$line" ] || return 0
  set -- "$2" \${line##*) }
  [ "\${21}" = "$1" ]
}
each() {
  left=
  for group in $groups; do
    ours "\${group%%:*}" "\${group#*:}" || continue
    left=1
    kill "-$1" "-\${group%%:*}" 2>/dev/null
  done
  [ "$left" ]
}
for signal in 0 TERM 0 KILL; do
  each $signal || exit 0
  sleep ${pause}
done`;

/** Length of a pause, in seconds: whole ones, as any shell's sleep takes them. */
const PAUSE = 1;

/** How long one has to live for its end to count as an accident of its own (milliseconds). */
const PROVEN = 1_000;
/** So many that ended at once in a row are enough to believe that none will do. */
const ATTEMPTS = 3;

/**
 * Sees to it that no child outlives a gateway that was killed: a shell in a session of its own that ends the process groups
 * it was told of once the gateway is gone. It runs while there are groups, and never keeps the gateway running.
 */
export class Watchdog {
  readonly #groups = new Map<number, string>();
  #child: ChildProcess | undefined;
  #log: Log | undefined;
  #failures = 0;
  #givenUp = process.platform === 'win32';

  readonly #shell: string;
  /** Those that have nothing left to watch and are about to end. */
  readonly #leaving = new Set<ChildProcess>();
  readonly #waiting = new Set<() => void>();

  constructor(shell = '/bin/sh') {
    this.#shell = shell;
  }

  /** The shell's process id, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  add(group: number, log: Log): void {
    this.#log = log;
    this.#groups.set(group, startOf(group));
    if (this.#child) this.#write(`+ ${group} ${this.#groups.get(group)}\n`);
    else this.#start();
  }

  remove(group: number): void {
    if (!this.#groups.delete(group)) return;
    this.#write(`- ${group}\n`);
    if (this.#groups.size > 0) return;
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined) return;
    this.#leaving.add(child);
    child.once('exit', () => {
      this.#leaving.delete(child);
      if (this.#leaving.size === 0) for (const resolve of this.#waiting) resolve();
    });
    child.stdin?.end();
  }

  /** Resolves when no shell is left that has nothing to watch, or after `milliseconds`. */
  async left(milliseconds: number): Promise<void> {
    if (this.#leaving.size === 0) return;
    let over: () => void = () => {};
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      over = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.add(over);
    });
    this.#waiting.delete(over);
  }

  #start(): void {
    if (this.#givenUp) return;
    const started = performance.now();
    let child: ChildProcess;
    try {
      child = spawn(this.#shell, ['-c', script(PAUSE), 'mcp-gateway-watchdog', this.#known()], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        cwd: '/',
      });
    } catch (thrown) {
      this.#giveUp((thrown as Error).message);
      return;
    }
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.once('error', (error) => {
      if (child === this.#child) this.#giveUp(error.message);
    });
    child.once('exit', (code, signal) => {
      if (child !== this.#child) return;
      this.#child = undefined;
      // Whoever killed it did not mean to leave the gateway without one.
      const accident = signal !== 'SIGKILL' && performance.now() - started < PROVEN;
      this.#failures = accident ? this.#failures + 1 : 0;
      if (this.#failures >= ATTEMPTS) this.#giveUp(`it ended with ${signal ?? code}, ${ATTEMPTS} times in a row`);
      else this.#start();
    });
    // Nobody waits for it: it must not keep the process running.
    child.unref();
    (child.stdin as Socket | null)?.unref();
  }

  /** The groups of now, as the script keeps them: whatever becomes of the gateway in the next moment, the shell knows them. */
  #known(): string {
    return [...this.#groups].map(([group, start]) => `${group}:${start} `).join('');
  }

  /** Short writes to a pipe go through at once, so that a gateway killed in the next moment has said it. */
  #write(line: string): void {
    this.#child?.stdin?.write(line);
  }

  #giveUp(reason: string): void {
    this.#givenUp = true;
    this.#child = undefined;
    this.#log?.warn(
      { reason },
      `no watchdog over child processes (${this.#shell}: ${reason}): should the gateway be killed, children that ignore ` +
        'the end of their stdin are left over',
    );
  }
}

/** When a process was started, in the kernel's own count; `-` where it does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // From the state, the third field, to the start time, the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
