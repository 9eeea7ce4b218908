/** Which screen somebody went to, as steps: by its name alone, since what a screen is given is its users' own. */
import type { Client } from './client.js';
import type { NavigationContainer, NavigationReference } from './options.js';

export class Navigation {
  private screen?: string;

  constructor(private readonly client: () => Client | undefined) {}

  /** Somebody went to a screen. */
  moved(to: string): void {
    const from = this.screen;
    if (to == from) return;
    this.screen = to;
    this.client()?.addBreadcrumb({ type: 'navigation', category: 'navigation', data: { from, to } });
  }

  /** Follows a container; what it returns ends that. */
  follow(container: NavigationContainer | NavigationReference): () => void {
    try {
      const followed = 'addListener' in container ? container : container.current;
      if (!followed) return () => undefined;
      const look = () => {
        const name = followed.getCurrentRoute()?.name;
        if (name) this.moved(name);
      };
      const end = followed.addListener('state', look);
      look();
      return end;
    } catch {
      return () => undefined;
    }
  }
}
