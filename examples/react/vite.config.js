import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // Minified frames lead back to the sources by these; do not serve them to everybody.
  build: { sourcemap: 'hidden' },
});
