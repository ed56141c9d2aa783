import type { Step } from '../protocol/types';

/** How many of four bars a step fills; its word stands beside it. */
const BARS: Record<Step, number> = { high: 4, low: 3, slides: 2, audio: 1, text: 0 };

export function StepBars({ step, size = 20 }: { step: Step; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" data-step={step}>
      {[0, 1, 2, 3].map((bar) => (
        <rect
          key={bar}
          x={1 + bar * 3.75}
          y={11 - bar * 3}
          width={2.75}
          height={4 + bar * 3}
          fill={bar < BARS[step] ? 'currentColor' : 'none'}
          stroke="currentColor"
          strokeWidth={0.8}
        />
      ))}
    </svg>
  );
}
