/** The ways to the media node that can be tried one by one. */
export type Way = 'udp' | 'tcp' | 'relay';

/**
 * The node's answer with only the candidates of one transport (RFC 8839 §5.1: component, transport, priority…): what is
 * not named is not tried, for the node itself never begins.
 */
export function onlyTransport(answer: string, transport: 'udp' | 'tcp'): string {
  return answer
    .split('\r\n')
    .filter((line) => {
      if (!line.startsWith('a=candidate:')) return true;
      return line.split(' ')[2]?.toLowerCase() === transport;
    })
    .join('\r\n');
}

/** Which transports the answer offers at all. */
export function transportsOf(answer: string): Set<'udp' | 'tcp'> {
  const found = new Set<'udp' | 'tcp'>();
  for (const line of answer.split('\r\n')) {
    if (!line.startsWith('a=candidate:')) continue;
    const transport = line.split(' ')[2]?.toLowerCase();
    if (transport === 'udp' || transport === 'tcp') found.add(transport);
  }
  return found;
}
