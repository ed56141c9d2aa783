import type { WaveDetails } from './api';

/** The place on a wave's page for its rehearsal ("Chạy thử đợt này"): whoever makes rehearsals fills it. */
export function RehearsalSlot({ wave }: { wave: WaveDetails }) {
  return <section data-slot="rehearsal" data-wave={wave.id} hidden />;
}
