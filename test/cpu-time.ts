/**
 * Milliseconds of processor time that this process has taken: what a bound on work is held against. The time on the
 * clock is also what everything else on the machine does.
 */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
