import { init, sendAlert } from '@error-sentinel/browser';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.jsx';

init({ dsn: import.meta.env.VITE_ERROR_SENTINEL_DSN, release: 'shop@1.4.2', environment: import.meta.env.MODE });

// What a boundary catches would only be logged; nobody else is told. What none catches, the window's own listener sees.
const onCaughtError = (error, { componentStack }) => sendAlert(error, { extra: { componentStack }, tags: { boundary: true } });

createRoot(document.getElementById('root'), { onCaughtError }).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
