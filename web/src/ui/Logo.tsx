export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 40 32" width="40" height="32" aria-hidden="true">
      <path class="logo-beam logo-beam-1" d="M9 16 36 1v9z" />
      <path class="logo-beam logo-beam-2" d="M9 16 39 12v8z" />
      <path class="logo-beam logo-beam-3" d="M9 16 36 22v9z" />
      <circle class="logo-lamp" cx="9" cy="16" r="7" />
      <circle class="logo-light" cx="9" cy="16" r="3" />
    </svg>
  );
}
