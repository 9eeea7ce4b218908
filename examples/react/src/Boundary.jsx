import { Component } from 'react';

/** Shows `fallback` instead of children that failed; `onCaughtError` of the root reports why. */
export class Boundary extends Component {
  state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  render() {
    return this.state.hasFailed ? this.props.fallback : this.props.children;
  }
}
