/** Line icons of 20 px, drawn for this product; always beside a word or under a label. */
const PATHS = {
  camera: 'M2.5 6h9v8h-9zM11.5 9l6-3v8l-6-3z',
  cameraOff: 'M2.5 6h9v8h-9zM11.5 9l6-3v8l-6-3zM3 3l14 14',
  help: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM7.8 8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M10 13.9v.2',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12zM13.5 13.5L18 18',
  sound: 'M3 8v4h3l4 3.5v-11L6 8zM13 7a4 4 0 0 1 0 6M15 4.5a7.5 7.5 0 0 1 0 11',
  check: 'M4 10.5l4 4 8-9',
  close: 'M5 5l10 10M15 5L5 15',
  right: 'M7.5 4.5L13 10l-5.5 5.5',
  down: 'M4.5 7.5L10 13l5.5-5.5',
  up: 'M4.5 12.5L10 7l5.5 5.5',
  back: 'M12.5 4.5L7 10l5.5 5.5',
  undo: 'M7 5L3 9l4 4M3 9h9a5 5 0 0 1 0 10',
  warning: 'M10 3l8 14H2zM10 8v4.5M10 14.6v.2',
  network: 'M3 8a10 10 0 0 1 14 0M5.5 11a6.5 6.5 0 0 1 9 0M8 14a3 3 0 0 1 4 0M3 3l14 14',
  pin: 'M7 3h6l-1 6 3 3v1.5H5V12l3-3zM10 13.5V18',
  screen: 'M2.5 4h15v10h-15zM7 17h6M10 14v3',
  pause: 'M7 4v12M13 4v12',
  play: 'M6 4l10 6-10 6z',
  next: 'M5 4l7 6-7 6zM15 4v12',
  previous: 'M15 4l-7 6 7 6zM5 4v12',
  full: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  wifi: 'M3 8a10 10 0 0 1 14 0M5.5 11a6.5 6.5 0 0 1 9 0M8 14a3 3 0 0 1 4 0M10 16.6v.2',
  settings: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  send: 'M3 10l14-6-5 13-3-5z',
  name: 'M3 4h14v12H3zM6 11.5h8M6 13.8h5M8 7.5h4',
  hold: 'M3 4h14v12H3zM8 8v4M12 8v4',
  chair: 'M2.5 4h15v12h-15zM11.5 6h4v4h-4z',
  slides: 'M2.5 3.5h15v10h-15zM10 13.5v3M7 16.5h6M6 7h8M6 10h5',
  toList: 'M3 5h12M3 10h12M3 15h5M15 12.5v5M12.5 15h5',
  enter: 'M12 4h4v12h-4M3 10h9M8.5 6.5L12 10l-3.5 3.5',
  leave: 'M8 4H4v12h4M8 10h9M13.5 6.5L17 10l-3.5 3.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ display: 'block', flex: 'none' }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
