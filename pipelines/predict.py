from eyechart.programs.predict import main

if __name__ == "__main__":
    main()
