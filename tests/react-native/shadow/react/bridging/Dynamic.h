// In place of React Native's: values of a library that nothing here needs.
#pragma once
