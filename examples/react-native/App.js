import { useState } from 'react';
import { Button, Text, View } from 'react-native';
import { addNavigation } from '@error-sentinel/react-native';
import { Basket } from './basket';

/** Two screens, told apart by a state; with React Navigation it would be `trackNavigation(navigationRef)`. */
export function App() {
  const [basket] = useState(() => new Basket());
  const [message, setMessage] = useState('');
  const go = (screen) => {
    addNavigation(screen);
    setMessage(screen);
  };
  return (
    <View>
      <Text>{message}</Text>
      <Button title="Add apples" onPress={() => basket.add('apples')} />
      <Button title="To the till" onPress={() => go('Till')} />
      <Button title="Pay" onPress={() => setMessage(basket.pay('berlin') ? 'Paid' : 'That did not work; we have been told.')} />
      <Button
        title="Break it"
        onPress={() => {
          throw new TypeError('Nobody catches this');
        }}
      />
    </View>
  );
}
