import { AppRegistry } from 'react-native';
import { init } from '@error-sentinel/react-native';
import { App } from './App';
import { dsn } from './dsn';

// Before everything else, so that everything else is watched.
init(dsn, { release: 'shop@1.4.2', app: 'User app' });

AppRegistry.registerComponent('Shop', () => App);
